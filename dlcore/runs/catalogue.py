"""What is in the store, for reading: straight from the SQLite file, or through MLflow's client from a server.

Reading SQLite ourselves spares every page and command MLflow's import (2.4 s) and takes one query; a test holds both
ways against each other, so a change of MLflow's tables is seen. Nothing here creates a store.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core.errors import StoreError
from dlcore.runs import store
from dlcore.runs.record import Curve


@dataclass(frozen=True)
class Stored:
    """A run as the store knows it: tags without our prefix."""

    run_id: str
    created: float
    tags: dict[str, str]

    def json(self, tag: str) -> dict[str, Any]:
        """A tag that holds a JSON object; empty where it is missing."""
        value = json.loads(self.tags.get(tag) or "{}")
        return value if isinstance(value, dict) else {}


def find(beginning: str) -> list[Stored]:
    """Runs whose id begins so; at most two, which is enough to know that it is not unique."""
    if not beginning or not all(letter in "0123456789abcdef" for letter in beginning):
        return []
    if (file := store.sqlite_file()) is None:
        return _find_on_server(beginning)
    return _select(file, "r.run_uuid >= ? AND r.run_uuid < ?", (beginning, beginning + "g"), limit=2)


def newest(project: str | None, limit: int) -> list[Stored]:
    """Runs of one project or all, newest first."""
    if (file := store.sqlite_file()) is None:
        return _search(project, limit)
    return _select(file, "(? IS NULL OR e.name = ?)", (project, project), limit=limit)


def history(run_id: str) -> dict[str, Curve]:
    """Every metric of the run: steps rising, each once (the value written last where a step was written twice)."""
    if (file := store.sqlite_file()) is None:
        return _history_on_server(run_id)
    with _open(file) as connection:
        rows = (
            connection.execute(
                "SELECT key, step, CASE WHEN is_nan THEN NULL ELSE value END FROM metrics "
                "WHERE run_uuid = ? ORDER BY key, step, timestamp",
                (run_id,),
            ).fetchall()
            if connection
            else []
        )
    return _curves(rows)


def _curves(rows: list[tuple[str, int, float | None]]) -> dict[str, Curve]:
    """Curves from rows in order of name, step and time of writing."""
    if not rows:
        return {}
    names = np.array([row[0] for row in rows])
    steps = np.array([row[1] for row in rows], dtype=np.int64)
    values = np.array([row[2] for row in rows], dtype=np.float64)
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    curves = {}
    for begin, end in zip(starts, np.r_[starts[1:], len(rows)], strict=True):
        last = np.r_[steps[begin + 1 : end] != steps[begin : end - 1], True]
        curves[str(names[begin])] = Curve(steps[begin:end][last], values[begin:end][last])
    return curves


def _select(file: Path, where: str, values: tuple[Any, ...], *, limit: int) -> list[Stored]:
    with _open(file) as connection:
        if connection is None:
            return []
        runs = connection.execute(
            "SELECT r.run_uuid, r.start_time FROM runs r JOIN experiments e USING (experiment_id) "
            f"WHERE r.lifecycle_stage = 'active' AND {where} "
            "AND EXISTS (SELECT 1 FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = ?) "
            "ORDER BY r.start_time DESC, r.rowid DESC LIMIT ?",
            (*values, f"{store.PREFIX}state", limit),
        ).fetchall()
        marks = ",".join("?" * len(runs))
        tags = connection.execute(
            f"SELECT run_uuid, key, value FROM tags WHERE run_uuid IN ({marks}) AND key LIKE ?",
            (*(run[0] for run in runs), f"{store.PREFIX}%"),
        ).fetchall()
    known: dict[str, dict[str, str]] = {run[0]: {} for run in runs}
    for run_id, key, value in tags:
        known[run_id][key.removeprefix(store.PREFIX)] = value
    return [Stored(run_id, (created or 0) / 1000, known[run_id]) for run_id, created in runs]


@contextlib.contextmanager
def _open(file: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads; None where there is no store yet."""
    if not file.exists():
        yield None
        return
    try:
        with contextlib.closing(_connect(file)) as connection:
            ready = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tags'").fetchone()
            yield connection if ready else None  # not ready: another process is creating the store just now
    except sqlite3.Error as error:
        raise StoreError(
            f"{file} cannot be read ({error}): restore it, or set DLCORE_HOME to another folder."
        ) from error


def _connect(file: Path) -> sqlite3.Connection:
    """Open for reading. Write-ahead mode must write its index even to read; where it cannot (a read-only folder, a full
    disk) and nothing waits in the write-ahead file, the database is read as it is."""
    address = file.absolute().as_uri()
    try:
        connection = sqlite3.connect(f"{address}?mode=rw", uri=True, timeout=20)
        connection.execute("PRAGMA query_only = 1")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except sqlite3.OperationalError:
        ahead = file.with_name(f"{file.name}-wal")
        if os.access(file.parent, os.W_OK) and ahead.exists() and ahead.stat().st_size:
            raise
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True)
    return connection


def _find_on_server(beginning: str) -> list[Stored]:
    if len(beginning) == 32:
        from mlflow.exceptions import MlflowException

        try:
            return [_stored(store.client().get_run(beginning))]
        except MlflowException:
            return []
    return [run for run in _search(None, 1000) if run.run_id.startswith(beginning)][:2]


def _search(project: str | None, limit: int) -> list[Stored]:
    client = store.client()
    experiments = [e.experiment_id for e in client.search_experiments() if project in (None, e.name)]
    if not experiments:
        return []
    found = client.search_runs(
        experiments,
        filter_string=f"tags.`{store.PREFIX}state` != ''",
        max_results=limit,
        order_by=["attributes.start_time DESC"],
    )
    return [_stored(run) for run in found]


def _stored(run: Any) -> Stored:
    tags = {k.removeprefix(store.PREFIX): v for k, v in run.data.tags.items() if k.startswith(store.PREFIX)}
    return Stored(run.info.run_id, (run.info.start_time or 0) / 1000, tags)


def _history_on_server(run_id: str) -> dict[str, Curve]:
    client = store.client()
    rows = [
        (metric.timestamp, name, metric.step, metric.value)
        for name in client.get_run(run_id).data.metrics
        for metric in client.get_metric_history(run_id, name)
    ]
    rows.sort(key=lambda row: (row[1], row[2], row[0]))
    return _curves([(name, step, value) for _, name, step, value in rows])
