"""MLflow as a mirror of the run folders, used when `MLFLOW_TRACKING_URI` is set.

The folder stays the source: everything is written there first and sent afterwards. `mirror.json` in the folder says how
far the mirror has come, so a server that fails or does not answer costs the run nothing, and `mirror_run` sends the
rest later. MLflow is imported on first use (seconds) and is needed for nothing else.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dlcore.runs.locks as locks
import dlcore.runs.mlflow_client as mlflow_client
import dlcore.runs.mlflow_model as mlflow_model
import dlcore.runs.mlflow_run as mlflow_run
import dlcore.runs.mlflow_search as mlflow_search
from dlcore.core import settings
from dlcore.core.errors import RequestError, WorkbenchError, one_line
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.folder import RunFolder, read_json, translate_errors, write_json
from dlcore.runs.lifecycle import read_state
from dlcore.runs.metric_file import Row, read_rows
from dlcore.runs.record import ACTIVE

if TYPE_CHECKING:
    from mlflow import MlflowClient

EVERY_SECONDS = 5.0
END_SECONDS = 60.0
"""Longest time that a finished worker spends on the mirror."""
_PART_BYTES = 2**18
"""Part of the metrics that is sent before it is noted; after a kill, at most this much is sent again."""
_BATCH = 900  # MLflow accepts at most 1,000 metrics per request

_log = logging.getLogger(__name__)


def mirror_run(folder: RunFolder) -> bool:
    """Send to MLflow what it lacks of this run; False if another process is sending it.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set, or the run is a reference run.
        StoreError: mlflow is not installed, or the server failed or did not answer; what was sent is remembered.
    """
    mlflow_client.check_uri()
    if not folder.state.exists():
        raise RequestError(f"{folder.run_id} is no run of {settings.home()}: only those are mirrored.")
    lock = locks.try_lock(folder.path / "mirror.lock")
    if lock is None:
        return False
    try:
        with mlflow_client.connect() as client:
            _send(folder, client)
    finally:
        lock.release()
    return True


@contextlib.contextmanager
def mirroring(folder: RunFolder) -> Iterator[None]:
    """Mirror the run from a thread while the block works; afterwards try the rest for a limited time.

    Errors are logged once as a warning and otherwise ignored. Does nothing without `MLFLOW_TRACKING_URI`.
    """
    if not settings.tracking_uri():
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
    """Send what the server lacks. Start over if it does not know the run any more (another database)."""
    from mlflow.exceptions import MlflowException

    sent, send = _Progress(folder), mlflow_search.send if folder.is_search else _send_run
    try:
        send(client, folder, sent)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST" or not sent.remote_id:
            raise
        sent.save(remote_id="", offset=0, state={}, trials={})
        send(client, folder, sent)


def _send_run(client: "MlflowClient", folder: RunFolder, sent: "_Progress") -> None:
    """Create the run on the server if needed, then send new metrics, the record, and at the end bundle and model.

    Any step may be repeated: a worker may die between a request and the note that it succeeded. The server drops a
    metric that it has (key, step, time and value are its primary key), files and tags are replaced.
    """
    state = read_state(folder)
    if not sent.remote_id:
        remote_id = mlflow_run.ensure_run(client, folder, state)
        config = read_json(folder.config)
        mlflow_run.log_params(client, remote_id, config)
        client.log_dict(remote_id, config, "config.json")
        sent.save(remote_id=remote_id)
    while True:
        rows, offset = read_rows(folder.metrics, sent.offset, size=_PART_BYTES)
        if offset == sent.offset:
            break
        _send_metrics(client, sent.remote_id, rows)
        sent.save(offset=offset)
    if state == sent.state:
        return
    mlflow_run.set_tags(client, sent.remote_id, mlflow_run.tags_of(state))
    name = str(state.get("state"))
    if name in ACTIVE:
        client.update_run(sent.remote_id, status=mlflow_run.status_of(name))
    elif _without_annotation(state) != _without_annotation(sent.state):
        _send_end(client, folder, sent.remote_id, state)
        client.set_terminated(sent.remote_id, status=mlflow_run.status_of(name), end_time=_end_ms(state))
        _send_model(client, folder, sent.remote_id, state)  # last: the export may take longer than the worker waits
    if name != sent.state.get("state"):
        mlflow_run.ensure_parent(client, state)
    sent.save(state=state)


def _without_annotation(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in state.items() if name not in ("annotation", "name", "is_hidden")}


def _send_end(client: "MlflowClient", folder: RunFolder, remote_id: str, state: Mapping[str, Any]) -> None:
    """Delete copies of the run; send bundle, dataset and the metrics of the test split."""
    experiment = client.get_run(remote_id).info.experiment_id
    mlflow_run.delete_copies(client, experiment, (mlflow_run.RUN, folder.run_id), expected=remote_id)
    if not folder.bundle.is_dir():
        return
    bundle = Bundle(folder.bundle)
    client.log_artifacts(remote_id, str(folder.bundle), "bundle")
    mlflow_run.set_tags(client, remote_id, mlflow_run.describe_end(bundle, state))
    mlflow_run.log_dataset(client, remote_id, read_json(folder.bundle / "run.json"))
    _send_test_metrics(client, remote_id, state)


def _send_model(client: "MlflowClient", folder: RunFolder, remote_id: str, state: Mapping[str, Any]) -> None:
    """Send the model, if there is one, and link the metrics of the test split to it."""
    if not folder.bundle.is_dir():
        return
    try:
        model_id = mlflow_model.log_model(client, folder.run_id, remote_id, Bundle(folder.bundle))
    except WorkbenchError as error:
        mlflow_run.set_tags(client, remote_id, {mlflow_run.PREFIX + "no_model": one_line(error)[:500]})
    else:
        _send_test_metrics(client, remote_id, state, model_id=model_id)


def _send_test_metrics(
    client: "MlflowClient", remote_id: str, state: Mapping[str, Any], *, model_id: str | None = None
) -> None:
    """Send the metrics of the test split, with their intervals: as metrics of the run, and of its model."""
    from mlflow.entities import Metric

    step, time_ms = int(state.get("step", 0)), _end_ms(state)
    metrics = [
        Metric(mlflow_run.clean_name(name), float(value), time_ms, step, model_id=model_id)
        for name, value in (state.get("metrics") or {}).items()
        if not name.startswith(("train_", "validation_"))  # those are curves
    ]
    for batch in mlflow_run.batches(metrics, _BATCH):
        client.log_batch(remote_id, metrics=batch)


def _end_ms(state: Mapping[str, Any]) -> int:
    """When the run ended, as far as its state tells, in milliseconds: equal however often it is sent."""
    return int((float(state.get("created", 0.0)) + float(state.get("duration_s", 0.0))) * 1000)


class _Progress:
    """How far a run is mirrored on the present server, stored beside it; `trials` are those of a search."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.path, self.uri = folder, folder.path / "mirror.json", settings.tracking_uri()
        known = read_json(self.path)
        if known.get("uri") != self.uri:
            known = {}
        self.remote_id: str = known.get("remote_id", "")
        self.offset: int = known.get("offset", 0)
        self.state: Mapping[str, Any] = known.get("state", {})
        self.trials: Mapping[str, str] = known.get("trials", {})

    def save(self, **changes: Any) -> None:
        """Store changed fields."""
        for name, value in changes.items():
            setattr(self, name, value)
        value = {"uri": self.uri, "remote_id": self.remote_id, "offset": self.offset, "state": self.state}
        with translate_errors(self.folder.path):
            write_json(self.path, value | ({"trials": self.trials} if self.trials else {}))


def _send_metrics(client: "MlflowClient", run_id: str, rows: list[Row]) -> None:
    from mlflow.entities import Metric

    metrics = [
        Metric(mlflow_run.clean_name(name), value, time_ms, step)
        for step, values, time_ms in rows
        for name, value in values.items()
    ]
    for batch in mlflow_run.batches(metrics, _BATCH):
        client.log_batch(run_id, metrics=batch)
