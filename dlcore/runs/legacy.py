"""One-time import of runs from `runs.db`, the MLflow database in which earlier versions stored them.

Their folders already hold config, checkpoints and bundle; the database adds state, record and metrics. It is read with
`sqlite3` alone, and renamed to `runs.db.imported` afterwards.
"""

import contextlib
import json
import logging
import math
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlcore.runs.locks as locks
from dlcore.core import settings
from dlcore.core.errors import LockedError, StoreError
from dlcore.runs.folder import RunFolder, of_run, translate_errors, write_atomic
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import Row, append_metrics

_log = logging.getLogger(__name__)
LOCK_SECONDS = 2.0
"""Longest wait for a database that another program locks."""
RETRY_SECONDS = 60.0
_RETRY_AT: dict[Path, float] = {}
"""Database that could not be imported -> when to try again, in seconds of the monotonic clock."""


def import_old_runs() -> int:
    """Import the runs of `runs.db` in the home, if there is one; returns their number.

    A database that cannot be read, or a home that cannot be written, is reported once as a warning. One that another
    program locks is tried again after a minute.
    """
    file = settings.home() / "runs.db"
    if not file.exists() or time.monotonic() < _RETRY_AT.get(file, 0.0):
        return 0
    try:
        with locks.hold(file.with_name("runs.db.lock"), timeout=LOCK_SECONDS):
            return _import(file) if file.exists() else 0
    except (StoreError, sqlite3.Error, ValueError) as error:
        is_locked = isinstance(error, LockedError) or "locked" in str(error)
        _RETRY_AT[file] = time.monotonic() + RETRY_SECONDS if is_locked else math.inf
        _log.warning("%s: the runs of an earlier version were not imported (%s).", file, error)
        return 0


def _import(file: Path) -> int:
    count = 0
    with contextlib.closing(
        sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_SECONDS)
    ) as database:
        for run_id, created in database.execute(
            "SELECT run_uuid, start_time FROM runs WHERE lifecycle_stage = 'active' ORDER BY start_time"
        ).fetchall():
            folder = of_run(run_id)
            tags = _tags(database, run_id)
            if "state" not in tags or folder.state.exists():
                continue
            _import_run(folder, tags, list(_rows(database, run_id)), created=(created or 0) / 1000)
            count += 1
    with translate_errors(file):
        file.replace(file.with_name("runs.db.imported"))
    _log.warning("%s: imported %d runs of an earlier version.", file, count)
    return count


def _import_run(folder: RunFolder, tags: dict[str, str], rows: list[Row], *, created: float) -> None:
    """Write metrics, then the state, which makes the run visible."""
    with translate_errors(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        write_atomic(folder.metrics, b"")
    append_metrics(folder, rows)
    record: dict[str, Any] = {**json.loads(tags.pop("about", "{}")), **json.loads(tags.pop("progress", "{}"))}
    state, reason = tags.pop("state"), tags.pop("reason", "")
    if "arm" in tags:  # the variant of a comparison, as earlier versions called it
        tags["variant"] = tags.pop("arm")
    update_state(folder, **record, state=state, reason=reason, created=created, tags=tags)


def _tags(database: sqlite3.Connection, run_id: str) -> dict[str, str]:
    rows = database.execute("SELECT key, value FROM tags WHERE run_uuid = ? AND key LIKE 'dlcore.%'", (run_id,))
    return {key.removeprefix("dlcore."): value for key, value in rows}


def _rows(database: sqlite3.Connection, run_id: str) -> Iterator[Row]:
    """Metrics by step; values of one step and time share a row."""
    rows = database.execute(
        "SELECT key, step, CASE WHEN is_nan THEN NULL ELSE value END, timestamp FROM metrics "
        "WHERE run_uuid = ? ORDER BY timestamp, step",
        (run_id,),
    )
    place: tuple[int, int] | None = None
    values: dict[str, float] = {}
    for name, step, value, time_ms in rows:
        if place is not None and place != (step, time_ms):
            yield place[0], values, place[1]
            values = {}
        place = (step, time_ms)
        values[name] = float("nan") if value is None else float(value)
    if place is not None:
        yield place[0], values, place[1]
