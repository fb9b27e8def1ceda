"""Execution of one run in this process: pauses, reproducibility, errors."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.core.errors import ConfigError, DataError, NotFiniteError, OutOfMemoryError
from dlcore.runs import Bundle, execution
from dlcore.runs.execution import Job, execute
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import MemoryMetricLog, read_gradients
from dlcore.runs.worker import checkpoint_scheduler

TIMES = {"elapsed_s", "epoch_s"}
RESUMED = {"resumed"}


@pytest.fixture(autouse=True)
def _poll_at_every_event(monkeypatch):
    """So that a run can pause at any step."""
    monkeypatch.setattr(checkpoint_scheduler, "POLL_SECONDS", 0.0)


SMALL = {"rows": 300, "length": 30, "vocabulary": 1000, "embedding": 16, "hidden": 16}
RUNS = {
    "conv": ("anomaly", {}),
    "dense_32": ("anomaly", {}),
    "lstm": ("anomaly", {}),
    "calendar": ("anomaly", {"seeds": 2, "folds": 3, "window": 48, "batch_size": 512}),
    "patch": ("anomaly", {"width": 8, "window": 48, "batch_size": 512}),
    "dense": ("fashion", {"dataset": "digits"}),
    "base_lstm": ("reviews_lstm", SMALL),
}


def configure(model="dense_32", epochs=2, **settings):
    project, small = RUNS[model]
    values = {**small, "epochs": epochs, **settings}
    dataset = values.pop("dataset", None)
    return projects.configure(project, model=model, dataset=dataset, preset="quick", device="cpu", settings=values)


def run(folder, config, metric_log=None, *, pause_at=(), command="pause"):
    """Execute to the end, with a pause (or another command) at the first event from each of these steps on."""
    metric_log = metric_log or MemoryMetricLog()
    steps = list(pause_at)
    while True:
        step_reached = [0]
        pause_step = steps.pop(0) if steps else math.inf
        outcome = execute(
            Job(
                run_id="0" * 32,
                config=config,
                folder=RunFolder(folder),
                bundle=folder / "bundle",
                metric_log=metric_log,
                poll_command=lambda step_reached=step_reached, pause_step=pause_step: (
                    command if step_reached[0] >= pause_step else None
                ),
                on_event=lambda event, step_reached=step_reached: step_reached.__setitem__(0, event.step),
            )
        )
        if outcome.state != "paused":
            return outcome, metric_log


def same_run(left, right):
    """Weights, metrics, gradients and predictions, to the last bit."""
    a, b = Bundle(left / "bundle"), Bundle(right / "bundle")
    weights, other_weights = a.load().module.state_dict(), b.load().module.state_dict()
    assert all(torch.equal(weights[name], other_weights[name]) for name in weights)
    curves, more = a.history(), b.history()
    assert set(curves) - RESUMED == set(more) - RESUMED
    for name in set(curves) - TIMES - RESUMED:
        assert np.array_equal(curves[name].steps, more[name].steps), name
        assert np.array_equal(curves[name].values, more[name].values), name
    assert np.array_equal(a.gradients().steps, b.gradients().steps)
    assert np.array_equal(a.gradients().norms, b.gradients().norms)
    assert a.evaluation == b.evaluation
    assert all(np.array_equal(array, b.predictions()[name]) for name, array in a.predictions().items())


@pytest.mark.parametrize("model", RUNS)
def test_pauses_change_no_result(model, tmp_path):
    config = configure(model, gradient_every=3)
    run(tmp_path / "straight", config)
    steps = Bundle(tmp_path / "straight" / "bundle").record.steps_per_epoch
    pauses = (1, 3, steps // 2, steps, steps + 2, 2 * steps)
    outcome, _ = run(tmp_path / "paused", config, pause_at=pauses[1:3] if model in ("base_lstm", "patch") else pauses)
    assert outcome.state == "finished"
    same_run(tmp_path / "straight", tmp_path / "paused")


def test_runs_of_one_seed_are_equal_and_of_two_seeds_differ(tmp_path):
    run(tmp_path / "a", configure())
    run(tmp_path / "b", configure())
    same_run(tmp_path / "a", tmp_path / "b")
    run(tmp_path / "c", configure().model_copy(update={"seed": 1}))
    with pytest.raises(AssertionError):
        same_run(tmp_path / "a", tmp_path / "c")


def test_torn_checkpoint_falls_back_to_the_previous_one(tmp_path):
    run(tmp_path / "straight", configure())
    folder = RunFolder(tmp_path / "torn")
    metric_log = MemoryMetricLog()
    for step in (40, 100):
        job = Job("0" * 32, configure(), folder, folder.path / "bundle", metric_log, checkpoints=True)
        step_reached = [0]
        poll_command = lambda step_reached=step_reached, step=step: "pause" if step_reached[0] >= step else None  # noqa: E731
        note = lambda event, step_reached=step_reached: step_reached.__setitem__(0, event.step)  # noqa: E731
        execute(dataclasses.replace(job, poll_command=poll_command, on_event=note))
    newest = max(folder.checkpoints.iterdir())
    newest.write_bytes(newest.read_bytes()[:-50])
    run(folder.path, configure(), metric_log)
    same_run(tmp_path / "straight", folder.path)
    assert newest.exists()  # never overwritten


def test_stopped_run_has_a_bundle_of_the_best_epoch_and_can_be_resumed(tmp_path):
    config = configure(epochs=3)
    run(tmp_path / "straight", config)
    outcome, metric_log = run(tmp_path / "a", config, pause_at=[100], command="stop")
    bundle = Bundle(tmp_path / "a" / "bundle")
    assert outcome.state == "stopped" == bundle.record.state and "step 100 of 237" in outcome.reason
    assert bundle.record.best.epoch == 1 and bundle.record.epoch == 1 and bundle.run["test_looks"] == 1
    run(tmp_path / "a", config, metric_log)
    assert Bundle(tmp_path / "a" / "bundle").run["test_looks"] == 2
    assert "2 times" in Bundle(tmp_path / "a" / "bundle").card
    same_run(tmp_path / "straight", tmp_path / "a")


def test_stop_before_the_end_of_the_first_epoch_can_be_resumed(tmp_path):
    run(tmp_path / "straight", configure())
    outcome, metric_log = run(tmp_path / "a", configure(), pause_at=[10], command="stop")
    assert outcome.state == "stopped" and not (tmp_path / "a" / "bundle").exists()
    run(tmp_path / "a", configure(), metric_log)
    same_run(tmp_path / "straight", tmp_path / "a")


def test_bundle_holds_the_best_epoch(tmp_path):
    run(tmp_path, configure(epochs=4, learning_rate=0.05))  # so fast that the last epoch need not be the best
    bundle = Bundle(tmp_path / "bundle")
    losses = bundle.history()["validation_loss"].values
    assert bundle.record.best.epoch == int(losses.argmin()) + 1
    assert bundle.record.metrics["validation_loss"] == losses.min()


def test_patience_stops_early_with_a_reason(tmp_path):
    outcome, _ = run(tmp_path, configure(epochs=60, patience=1, learning_rate=0.05))
    record = Bundle(tmp_path / "bundle").record
    assert outcome.state == "finished" and record.epoch < 60
    assert record.reason == outcome.reason == "no better validation for 1 epochs"


def test_gradient_log_can_be_disabled(tmp_path):
    run(tmp_path, configure(gradient_every=0))
    assert read_gradients(tmp_path / "gradients.jsonl") is None
    assert Bundle(tmp_path / "bundle").gradients() is None


def test_non_finite_loss_names_step_and_layer(tmp_path):
    with pytest.raises(NotFiniteError) as raised:
        run(tmp_path, configure(model="conv", optimizer="sgd", learning_rate=10.0, momentum=0.999, epochs=20))
    assert raised.value.step >= 1 and raised.value.layer and raised.value.reason == "not finite"


MEMORY_ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 10 TB"),
]


@pytest.mark.parametrize("error", MEMORY_ERRORS, ids=lambda error: type(error).__name__)
def test_out_of_memory_in_any_stage_suggests_half_the_batch(error, tmp_path, monkeypatch):
    project = projects.get("anomaly")

    def raise_error(*_):
        raise error

    for stage, fields in {
        "prepare": {"prepare": raise_error},
        "predict": {"task": dataclasses.replace(project.task, predict=raise_error)},
        "baselines": {"baselines": raise_error},
    }.items():
        failing = dataclasses.replace(project, **fields)
        monkeypatch.setattr(execution.projects, "get", lambda slug, failing=failing: failing)
        with pytest.raises(OutOfMemoryError, match="half the batch") as raised:
            run(tmp_path / stage, configure(epochs=1))
        assert "batch_size=32" in str(raised.value)


def test_data_error_is_not_converted(tmp_path, monkeypatch):
    def raise_data_error(*_):
        raise DataError("row 7, column value: 'x' is no number.")

    project = dataclasses.replace(projects.get("anomaly"), prepare=raise_data_error)
    monkeypatch.setattr(execution.projects, "get", lambda slug: project)
    with pytest.raises(DataError) as raised:
        run(tmp_path, configure())
    assert raised.value.reason == "bad data"


@pytest.mark.parametrize("rows", [129, 65])
def test_last_batch_of_one_sample_trains_with_batch_norm(rows, tmp_path):
    config = projects.configure(
        "fashion",
        model="improved",
        dataset="digits",
        preset="quick",
        device="cpu",
        settings={"train_rows": rows, "batch_size": 64, "epochs": 1},
    )
    outcome, _ = run(tmp_path, config)
    record = Bundle(tmp_path / "bundle").record
    assert outcome.state == "finished" and math.isfinite(record.metrics["train_loss"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 1}, "batch_size=1 is not allowed: it must be a whole number from 2 to"),
        ({"batch_size": 3, "devices": 2}, "too small for 2 devices.*4 or more"),
    ],
)
def test_batch_of_one_sample_per_device_is_rejected_before_the_run_starts(settings, message):
    with pytest.raises(ConfigError, match=message):
        projects.configure("fashion", model="improved", dataset="digits", preset="quick", settings=settings)
