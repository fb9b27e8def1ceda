"""Imports runs of other trackers as watched runs, so that they compare with the others on the page Runs."""

import dataclasses
import re
import tempfile
import time
from pathlib import Path

import numpy as np

import dlcore.runs.local_store as local_store
from dlcore.core.errors import DataError, RequestError
from dlcore.projects import watched
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.exchange import import_run
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import append_metrics
from dlcore.runs.record import Best, Record
from dlcore.runs.watch import tracker_files
from dlcore.runs.watch.tracker_files import TrackedRun
from dlcore.runs.watch.watched_run import NAMES

PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(val|valid|validation|eval|test)[_/. -]?(epoch[_/. -]?)?loss", "validation_loss"),
    (r"(val|valid|validation|eval|test)[_/. -]?(epoch[_/. -]?)?(acc|accuracy)([_/. -].*)?", "validation_accuracy"),
    (r"(train(ing)?[_/. -])?epoch[_/. -]?loss", "train_loss"),
    (r"(train(ing)?[_/. -])?(epoch[_/. -])?(acc|accuracy)", "train_accuracy"),
    (r"(train(ing)?[_/. -])?(batch[_/. -]|step[_/. -])?loss([_/. -]?step)?", "batch_loss"),
    (r"(.*[_/. -])?(lr|learning[_/. -]?rate)([_/. -].*)?", "learning_rate"),
)
"""Usual names of metrics -> names of the workbench's curves."""
MOST_ROWS = 20_000
"""Most steps of a curve that are stored; of longer ones every k-th."""


def import_tracked(path: Path) -> list[Record]:
    """Import TensorBoard event files and offline runs of Weights & Biases: a file, or a folder with any number.

    Raises:
        DataError: there are no scalars in them.
        StoreError: the folder of runs cannot be written.
    """
    if not path.exists():
        raise RequestError(f"{path} does not exist: name an event file, a .wandb file or a folder with some.")
    return [_store(run) for run in tracker_files.find_runs(path)]


def import_mlflow(name: str, *, accepts_code: bool = False) -> list[Record]:
    """Import a run of an MLflow server by its id, or all runs of an experiment by its name.

    Runs of the workbench come with their bundle, see `import_run`; of others metrics and params are imported.

    Raises:
        RequestError: `MLFLOW_TRACKING_URI` is not set, or the server has no such run or experiment.
        DataError: there are no metrics in them, or too many runs.
        CodeError, RunError: a bundle is not accepted.
        StoreError: mlflow is not installed, or the server failed or did not answer.
    """
    from dlcore.runs import mlflow_client
    from dlcore.runs.watch import mlflow_runs

    records: list[Record] = []
    with mlflow_client.connect() as client:
        for run in mlflow_runs.find_runs(client, name):
            with tempfile.TemporaryDirectory(prefix="dlcore-") as draft:
                if (bundle := mlflow_runs.download_bundle(client, run, Path(draft))) is not None:
                    records.append(import_run(bundle, accepts_code=accepts_code))
                elif (tracked := mlflow_runs.read_run(client, run)).scalars:
                    records.append(_store(tracked))
    if not records:
        raise DataError(f"'{name[:80]}' has no metrics on the MLflow server: choose another run or experiment.")
    return records


def is_tracked(path: Path) -> bool:
    """Whether a file or folder is one of these and no bundle."""
    if path.is_file():
        return path.suffix == ".wandb" or ".tfevents." in path.name
    return not (path / "run.json").exists() and any(
        next(path.rglob(pattern), None) for pattern in (tracker_files.EVENTS, tracker_files.OFFLINE)
    )


def curve_name(metric: str, known: set[str]) -> str:
    """Name of a metric among the workbench's curves, unless another metric of the run has it; else its own name."""
    name = NAMES.get(metric, "") or next(
        (curve for pattern, curve in PATTERNS if re.fullmatch(pattern, metric, re.IGNORECASE)), ""
    )
    return metric if not name or name in known else name


def _store(run: TrackedRun) -> Record:
    """Store one run."""
    names: dict[str, str] = {}
    for metric in sorted(run.scalars, key=lambda metric: (-len(run.scalars[metric]), metric)):
        names[metric] = curve_name(metric, set(names.values()))
    epochs = run.scalars.pop("epoch", {})
    last = max(step for values in run.scalars.values() for step in values) if run.scalars else 0
    epoch = round(max((value for value, _ in epochs.values()), default=0))
    validated = next((run.scalars[metric] for metric, name in names.items() if name == "validation_loss"), {})
    epoch = max(epoch, len(validated), 1)
    times = [time for values in run.scalars.values() for _, time in values.values() if time > 0]
    config = RunConfig(
        project=watched.SLUG,
        model=run.name[:80] or "imported",
        dataset=run.project[:80] or "imported",
        preset="",
        device="cpu",
        model_options=watched.Hyperparameters.model_validate(run.config),
    )
    with local_store.new_folder(config) as folder:
        for metric, values in run.scalars.items():
            steps = sorted(values)
            stored = steps if len(steps) <= MOST_ROWS else [steps[i] for i in _spread(len(steps))]
            append_metrics(
                folder, [(step, {names[metric]: values[step][0]}, int(values[step][1] * 1000)) for step in stored]
            )
        metrics = {
            names[metric]: values[max(values)][0]
            for metric, values in run.scalars.items()
            if names[metric].startswith(("train_", "validation_"))
        }
        best = min(validated, key=lambda step: validated[step][0]) if validated else 0
        record = Record.from_config(
            folder.run_id,
            config,
            state="finished",
            reason="imported",
            created=min(times, default=time.time()),
            duration_s=max(times) - min(times) if times else 0.0,
            step=last,
            epoch=epoch,
            steps_per_epoch=max(1, round(last / epoch)),
            metrics=metrics,
            best=Best(sorted(validated).index(best) + 1, "validation_loss", validated[best][0]) if validated else None,
        )
        record = dataclasses.replace(record, epochs=epoch)
        update_state(folder, **record.as_state())
    return record


def _spread(count: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, MOST_ROWS).astype(int)).tolist()
