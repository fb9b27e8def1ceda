"""Runs written down with MLflow: scalars as metrics, the config as params and an artifact, states as tags.

This module alone talks to MLflow, and imports it on first use (a second); reading is in `catalogue`, which needs no
MLflow for a SQLite file. Several processes may write at once: SQLite runs in write-ahead mode.
"""

import contextlib
import fcntl
import functools
import json
import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlcore.core import settings
from dlcore.core.errors import StoreError
from dlcore.runs.folder import store_error, translate_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient

Row = tuple[str, int, float, int]
"""Name, optimiser step, value, wall time in milliseconds."""

PREFIX = "dlcore."
_BATCH = 900  # MLflow takes at most 1,000 metrics at a time
_PARAM_LIMIT = 6000


def create(project: str, name: str, *, params: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    """A new run in the project's experiment; gives its id."""
    with _plain_errors():
        run = client().create_run(_experiment(project), run_name=name, tags={PREFIX + k: v for k, v in tags.items()})
        run_id: str = run.info.run_id
        append(run_id, (), params=params)
        client().update_run(run_id, status="SCHEDULED")
    return run_id


def append(
    run_id: str, rows: Sequence[Row], *, tags: Mapping[str, str] | None = None, params: Mapping[str, Any] | None = None
) -> None:
    """Add metrics, set tags, add params: all in as few transactions as MLflow takes.

    Raises:
        StoreError: the disk is full or the store cannot be written.
    """
    from mlflow.entities import Metric, Param, RunTag

    new_tags = [RunTag(PREFIX + key, value) for key, value in (tags or {}).items()]
    new_params = [Param(key, str(value)[:_PARAM_LIMIT]) for key, value in (params or {}).items()]
    parts = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)] or [()]
    with _plain_errors():
        for number, part in enumerate(parts):
            metrics = [Metric(name, value, at, step) for name, step, value, at in part]
            first = number == 0
            client().log_batch(
                run_id, metrics=metrics, params=new_params if first else (), tags=new_tags if first else ()
            )


def set_state(run_id: str, state: str, reason: str) -> None:
    """Write the run's state, and MLflow's own status beside it."""
    status = {"queued": "SCHEDULED", "running": "RUNNING", "finished": "FINISHED", "failed": "FAILED"}.get(
        state, "KILLED"
    )
    with _plain_errors():
        append(run_id, (), tags={"state": state, "reason": reason[:4000]})
        if status in ("SCHEDULED", "RUNNING"):
            client().update_run(run_id, status=status)
        else:
            client().set_terminated(run_id, status=status)


def keep_json(run_id: str, value: Mapping[str, Any], name: str) -> None:
    """Keep a JSON document among the run's artifacts."""
    with _plain_errors():
        client().log_dict(run_id, dict(value), name)


def keep_folder(run_id: str, folder: Path, name: str) -> None:
    """Send a folder to the run's artifacts where these lie elsewhere (a team's server)."""
    with _plain_errors():
        if "://" in client().get_run(run_id).info.artifact_uri:
            client().log_artifacts(run_id, str(folder), name)


def delete(run_id: str) -> None:
    """Take the run out of the store for good (a server keeps it among its deleted runs)."""
    with _plain_errors():
        client().delete_run(run_id)
        purge = getattr(client()._tracking_client.store, "_hard_delete_run", None)
        if purge is not None:
            purge(run_id)


def sqlite_file(uri: str | None = None) -> Path | None:
    """The SQLite file of the store; None where the store is a server."""
    uri = uri or settings.tracking_uri()
    if not uri.startswith("sqlite:///"):
        return None
    return Path(uri.removeprefix("sqlite:///").partition("?")[0])


def client() -> "MlflowClient":
    """MLflow's client for the store that the settings name."""
    return _client_of(settings.tracking_uri(), os.getpid())


@functools.lru_cache(maxsize=4)
def _client_of(uri: str, _process: int) -> "MlflowClient":
    """A client for each address and process (a connection must not be used by the children of a process)."""
    with warnings.catch_warnings():  # MLflow's tables use what SQLAlchemy will drop one day; that is theirs to mend
        warnings.simplefilter("ignore")
        with _plain_errors():
            return _connect(uri)


def _connect(uri: str) -> "MlflowClient":
    mlflow_client = _import()
    file = sqlite_file(uri)
    if file is None:
        return mlflow_client(tracking_uri=uri)
    with translate_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.with_name(file.name + ".lock")):  # two first users must not both create the tables
        if not file.exists():
            _make(file, mlflow_client)
        client = mlflow_client(tracking_uri=uri)
        client.search_experiments(max_results=1)
        _tune(client)
    return client


def _import() -> "type[MlflowClient]":
    """MLflow without its chatter and without a call home."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise StoreError(
            "mlflow-skinny is not installed, so runs cannot be stored: pip install -r requirements.txt, "
            "or train without a store (--bundle DIR)."
        ) from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # we say ourselves what went wrong
    return MlflowClient


def _make(file: Path, mlflow_client: "type[MlflowClient]") -> None:
    """Make the tables in a file beside it and then move it there: a kill or a full disk leaves no half a store.

    In write-ahead mode readers and a writer do not wait for each other, and making the tables takes half the time.
    """
    draft = file.with_name(f".{file.name}.new")
    for left in file.parent.glob(f"{draft.name}*"):
        left.unlink()
    try:
        _pragma(draft, "journal_mode=WAL")
        client = mlflow_client(tracking_uri=f"sqlite:///{draft}")
        engine = getattr(client._tracking_client.store, "engine", None)
        if engine is not None:
            engine.dispose()
        _pragma(draft, "wal_checkpoint(TRUNCATE)")
        draft.replace(file)
    finally:
        for left in file.parent.glob(f"{draft.name}*"):
            left.unlink()


def _pragma(file: Path, words: str) -> None:
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as connection:
        connection.execute(f"PRAGMA {words}")


def _tune(client: "MlflowClient") -> None:
    """Wait for another writer rather than fail, and no fsync at every commit (write-ahead mode stays whole without)."""
    engine = getattr(client._tracking_client.store, "engine", None)
    if engine is None:
        return
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20000")
        connection.execute("PRAGMA synchronous = NORMAL")

    engine.dispose()


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go of the lock when its holder dies."""
    with translate_errors(lock), lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _experiment(project: str) -> str:
    for _ in range(3):
        known = client().get_experiment_by_name(project)
        if known is not None:
            return str(known.experiment_id)
        local = sqlite_file() is not None
        with contextlib.suppress(Exception):  # another process was faster: read what it made
            return str(
                client().create_experiment(
                    project, artifact_location=str((settings.home() / "runs").absolute()) if local else None
                )
            )
        time.sleep(0.05)
    raise StoreError(f"the store at {settings.tracking_uri()} takes no new experiment '{project}': look at its log.")


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what MLflow and SQLAlchemy throw into one line that says what to do."""
    try:
        yield
    except (StoreError, KeyboardInterrupt):
        raise
    except OSError as error:
        raise store_error(error, settings.home()) from error
    except Exception as error:
        raise _explain(error) from error


def _explain(error: Exception) -> StoreError:
    text, where = str(error), sqlite_file() or settings.tracking_uri()
    if "is full" in text or "disk I/O error" in text:
        return StoreError(f"the disk that holds {where} is full: free some space, then try again or resume the run.")
    if "readonly" in text or "unable to open database" in text:
        refusal = StoreError(f"{where} cannot be written: set DLCORE_HOME to a folder you may write to.")
    else:
        first = next((line for line in text.splitlines() if line.strip()), type(error).__name__)
        refusal = StoreError(f"the store at {where} refused: {first[:300]} Try again, or look at its log.")
    refusal.reason = "code"
    return refusal


def as_tag(value: Mapping[str, Any]) -> str:
    """A small JSON object as a tag's value."""
    return json.dumps(value, separators=(",", ":"))
