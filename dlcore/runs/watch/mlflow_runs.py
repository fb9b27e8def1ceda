"""Reads runs from an MLflow server: metrics, params and names; of mirrored runs the bundle."""

import contextlib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dlcore.core.errors import DataError, RequestError
from dlcore.runs.bundle import limits
from dlcore.runs.bundle.reader import OPTIONAL, REQUIRED
from dlcore.runs.mlflow_run import RUN
from dlcore.runs.watch.tracker_files import TrackedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MOST_RUNS = 500
_INTEGER = re.compile(r"[+-]?\d{1,15}")


def find_runs(client: "MlflowClient", name: str) -> "list[Run]":
    """Return the run with that id, or all runs of the experiment with that name or id.

    Raises:
        RequestError: the server has no such run or experiment.
        DataError: it has too many runs.
    """
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
            f"the MLflow server has no run or experiment '{name[:80]}': name the id of a run, or the name of an "
            "experiment."
        )
    runs: list[Run] = []
    token: str | None = None
    while token != "" and len(runs) <= MOST_RUNS:
        page = client.search_runs([experiment.experiment_id], max_results=100, page_token=token)
        runs, token = [*runs, *page], page.token or ""
    if len(runs) > MOST_RUNS:
        raise DataError(f"experiment '{name[:80]}' has more than {MOST_RUNS} runs: import the runs one by one.")
    return runs


def download_bundle(client: "MlflowClient", run: "Run", folder: Path) -> Path | None:
    """Download the bundle of a mirrored run into a folder and return its path; None if it has none.

    Raises:
        RunError: a file is larger than a bundle allows.
    """
    if RUN not in run.data.tags:
        return None
    files = {Path(file.path).name: file for file in client.list_artifacts(run.info.run_id, "bundle")}
    names = [name for name in (*REQUIRED, *OPTIONAL) if name in files]
    for name in names:
        limits.check_size(name, files[name].file_size or 0)
    paths = [client.download_artifacts(run.info.run_id, f"bundle/{name}", str(folder)) for name in names]
    return Path(paths[0]).parent if paths else None


def read_run(client: "MlflowClient", run: "Run") -> TrackedRun:
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
