"""Reads runs from the MLflow server of `MLFLOW_TRACKING_URI`: metrics, params, names."""

import contextlib
import math
import re
from typing import TYPE_CHECKING

from dlcore.core.errors import DataError, RequestError
from dlcore.runs.mlflow_client import connect
from dlcore.runs.watch.tracker_files import TrackedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MOST_RUNS = 500
_INTEGER = re.compile(r"[+-]?\d{1,15}")


def find_runs(name: str) -> list[TrackedRun]:
    """Read a run by its id, or all runs of an experiment by its name or id.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set, or the server has no such run or experiment.
        DataError: there are no metrics in them, or too many runs.
        StoreError: mlflow is not installed, or the server failed or did not answer.
    """
    with connect() as client:
        runs = [_read(client, run) for run in _find(client, name)]
    with_metrics = [run for run in runs if run.scalars]
    if not with_metrics:
        raise DataError(f"{name[:80]} has no metrics on the MLflow server: choose another run or experiment.")
    return with_metrics


def _find(client: "MlflowClient", name: str) -> "list[Run]":
    """The run of that id, or those of the experiment."""
    from mlflow.exceptions import MlflowException

    if re.fullmatch(r"[0-9a-f]{32}", name):
        with contextlib.suppress(MlflowException):
            return [client.get_run(name)]
    experiment = client.get_experiment_by_name(name)
    if experiment is None and name.isdigit():
        with contextlib.suppress(MlflowException):
            experiment = client.get_experiment(name)
    if experiment is None:
        raise RequestError(
            f"the MLflow server has no run or experiment '{name[:80]}': name the id of a run, "
            "or the name of an experiment."
        )
    runs, token = [], None
    while token != "" and len(runs) <= MOST_RUNS:
        page = client.search_runs([experiment.experiment_id], max_results=100, page_token=token)
        runs, token = [*runs, *page], page.token or ""
    if len(runs) > MOST_RUNS:
        raise DataError(f"experiment '{name[:80]}' has more than {MOST_RUNS} runs: import the runs one by one.")
    return runs


def _read(client: "MlflowClient", run: "Run") -> TrackedRun:
    """Read one run. Values logged without a step, all at step 0, are counted in the order of their times."""
    experiment = client.get_experiment(run.info.experiment_id)
    params = {name: _parse(text) for name, text in run.data.params.items()}
    tracked = TrackedRun(run.info.run_name or run.info.run_id[:8], experiment.name, config=params)
    for name in run.data.metrics:
        rows = sorted(client.get_metric_history(run.info.run_id, name), key=lambda row: (row.step, row.timestamp))
        has_no_steps = len(rows) > 1 and rows[-1].step == 0
        for number, row in enumerate(rows):
            tracked.add(name, number if has_no_steps else row.step, row.value, row.timestamp / 1000)
    return tracked


def _parse(text: str) -> float | str | bool:
    """A param as a number, if it is one."""
    if text in ("True", "true", "False", "false"):
        return text in ("True", "true")
    if _INTEGER.fullmatch(text):
        return int(text)
    with contextlib.suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    return text[:200]
