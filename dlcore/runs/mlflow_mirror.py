"""MLflow as a mirror of the run folders, used when `MLFLOW_TRACKING_URI` is set.

The folder stays the source: everything is written there first and sent afterwards. `mirror.json` in the folder says how
far the mirror has come, so a server that fails or does not answer costs the run nothing, and `mirror_run` sends the
rest later. MLflow is imported on first use (seconds) and is needed for nothing else.
"""

import contextlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlcore.runs.locks as locks
from dlcore.core import settings
from dlcore.core.errors import LockedError, RequestError, StoreError, WorkbenchError, one_line
from dlcore.runs.folder import RunFolder, read_json, translate_errors, write_json
from dlcore.runs.lifecycle import read_state
from dlcore.runs.metric_file import Row, read_rows
from dlcore.runs.record import ACTIVE

if TYPE_CHECKING:
    from mlflow import MlflowClient

EVERY_SECONDS = 5.0
END_SECONDS = 60.0
"""Longest time that a finished worker spends on the mirror."""
ANSWER_SECONDS = 8.0
"""Longest wait for the first answer of the server, or for the lock of its database."""
_REQUEST = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
_PREFIX = "dlcore."
_BATCH = 900  # MLflow accepts at most 1,000 metrics per request
_VALUE_LENGTH = 5000  # of a param or tag
_STATUS = {"queued": "SCHEDULED", "running": "RUNNING", "finished": "FINISHED", "failed": "FAILED"}

_log = logging.getLogger(__name__)


def mirror_run(folder: RunFolder) -> bool:
    """Send to MLflow what it lacks of this run; False if another process is sending it.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set, or the run is a reference run.
        StoreError: mlflow is not installed, or the server failed or did not answer; what was sent is remembered.
    """
    if not settings.tracking_uri():
        raise RequestError("MLFLOW_TRACKING_URI is not set: set it to the address of the MLflow server.")
    if not folder.state.exists():
        raise RequestError(f"{folder.run_id} is no run of {settings.home()}: only those are mirrored.")
    lock = locks.try_lock(folder.path / "mirror.lock")
    if lock is None:
        return False
    try:
        with _one_line_errors():
            _check_answer(settings.tracking_uri())
            _send(folder, _connect())
    finally:
        lock.release()
    return True


@contextlib.contextmanager
def mirroring(folder: RunFolder) -> Iterator[None]:
    """Mirror the run from a thread while the block works; afterwards try the rest for a limited time.

    Errors are logged once as a warning and otherwise ignored. Does nothing without `MLFLOW_TRACKING_URI`.
    """
    if not settings.tracking_uri() or folder.is_search:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_mirror_until, args=(folder, over), name="mlflow mirror", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(END_SECONDS)


def _mirror_until(folder: RunFolder, over: threading.Event) -> None:
    """Send what is new again and again; once the run is over, until all is sent or the time is up."""
    has_failed, deadline = False, float("inf")
    while time.monotonic() < deadline:
        if over.wait(EVERY_SECONDS) and deadline == float("inf"):
            deadline = time.monotonic() + END_SECONDS
        try:
            mirror_run(folder)
            if deadline < float("inf"):
                return
        except WorkbenchError as error:
            if not has_failed:
                _log.warning("%s Send the run later: dlcore runs mirror %s", error, folder.run_id)
            has_failed = True
            if deadline < float("inf"):
                time.sleep(min(EVERY_SECONDS, max(0.0, deadline - time.monotonic())))


def _send(folder: RunFolder, client: "MlflowClient") -> None:
    """Create the run on the server if needed, then send new metrics, the record, and at the end the bundle."""
    sent = _Progress(folder)
    state = read_state(folder)
    if not sent.remote_id:
        sent.save(remote_id=_create(client, folder, state))
    rows, offset = read_rows(folder.metrics, sent.offset)
    _send_metrics(client, sent.remote_id, rows)
    sent.save(offset=offset)
    if state == sent.state:
        return
    from mlflow.entities import RunTag

    tags = [RunTag(_PREFIX + name, _as_text(value)) for name, value in state.items()]
    client.log_batch(sent.remote_id, tags=tags)
    name, status = str(state.get("state")), _STATUS.get(str(state.get("state")), "KILLED")
    if name in ACTIVE:
        client.update_run(sent.remote_id, status=status)
    else:
        if folder.bundle.is_dir():
            client.log_artifacts(sent.remote_id, str(folder.bundle), "bundle")
        client.set_terminated(sent.remote_id, status=status)
    sent.save(state=state)


class _Progress:
    """How far a run is mirrored on the present server, stored beside it."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.path, self.uri = folder, folder.path / "mirror.json", settings.tracking_uri()
        known = read_json(self.path)
        if known.get("uri") != self.uri:
            known = {}
        self.remote_id: str = known.get("remote_id", "")
        self.offset: int = known.get("offset", 0)
        self.state: Mapping[str, Any] = known.get("state", {})

    def save(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self, name, value)
        value = {"uri": self.uri, "remote_id": self.remote_id, "offset": self.offset, "state": self.state}
        with translate_errors(self.folder.path):
            write_json(self.path, value)


def _create(client: "MlflowClient", folder: RunFolder, state: Mapping[str, Any]) -> str:
    from mlflow.entities import Param

    project = str(state.get("project", "dlcore"))
    known = client.get_experiment_by_name(project)
    experiment = known.experiment_id if known is not None else client.create_experiment(project)
    run = client.create_run(
        experiment,
        start_time=int(float(state.get("created", 0.0)) * 1000),
        run_name=f"{state.get('model')} seed {state.get('seed')}",
        tags={_PREFIX + "run_id": folder.run_id},
    )
    run_id: str = run.info.run_id
    config = read_json(folder.config)
    client.log_batch(run_id, params=[Param(name, _as_text(value)) for name, value in _flatten(config).items()])
    client.log_dict(run_id, config, "config.json")
    return run_id


def _send_metrics(client: "MlflowClient", run_id: str, rows: list[Row]) -> None:
    from mlflow.entities import Metric

    metrics = [Metric(name, value, time_ms, step) for step, values, time_ms in rows for name, value in values.items()]
    for begin in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[begin : begin + _BATCH])


def _flatten(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their own names, those of nested parts included."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        flat.update(_flatten(value) if isinstance(value, Mapping) else {name: value})
    return flat


def _as_text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:_VALUE_LENGTH]


def _check_answer(uri: str) -> None:
    """Ask the server for any answer, because MLflow's client retries for minutes if there is none.

    Raises:
        LockedError: another program locks the database of the mirror.
        requests.RequestException: the server does not answer.
    """
    if uri.startswith(("http://", "https://")):
        import requests

        limit = float(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") or ANSWER_SECONDS)
        requests.head(uri, timeout=min(limit, ANSWER_SECONDS), allow_redirects=False)
    elif (file := Path(uri.removeprefix("sqlite:///"))).is_file():
        with contextlib.closing(sqlite3.connect(file, timeout=ANSWER_SECONDS, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")


def _connect() -> "MlflowClient":
    """MLflow's client, without telemetry and with short timeouts."""
    defaults = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet", **_REQUEST}
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise StoreError("mlflow is not installed, so no run is mirrored: pip install 'dlcore[tracking]'.") from error
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors are reported in one line below
    return MlflowClient(tracking_uri=settings.tracking_uri())


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn the exceptions of MLflow and its HTTP client into one line.

    Raises:
        StoreError: instead of them.
    """
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        if "database is locked" in str(error):
            raise LockedError(
                f"the database of the mirror, {settings.tracking_uri()}, is locked by another program: close it. The "
                "run is complete in its folder."
            ) from error
        refusal = StoreError(
            f"the MLflow server at {settings.tracking_uri()} failed ({one_line(error)[:300]}): the run is complete in "
            "its folder."
        )
        refusal.reason = "code"
        raise refusal from error
