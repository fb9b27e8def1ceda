"""The flow of one run, in this process: pauses, equality, errors."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from dlcore import projects
from dlcore.core.errors import DataError, NotFiniteError, OutOfMemoryError
from dlcore.runs import Bundle, execution
from dlcore.runs.execution import Job, execute
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_log import MemoryMetricLog, read_gradients
from dlcore.runs.worker import checkpoint_scheduler

TIMES = {"elapsed_s", "epoch_s"}
RESUMED = {"resumed"}


@pytest.fixture(autouse=True)
def _look_at_every_event(monkeypatch):
    """So that a pause can be put at any step."""
    monkeypatch.setattr(checkpoint_scheduler, "POLL_SECONDS", 0.0)


SMALL = {"rows": 300, "length": 30, "vocabulary": 1000, "embedding": 16, "hidden": 16}
RUNS = {
    "conv": ("anomaly", {}),
    "dense_32": ("anomaly", {}),
    "lstm": ("anomaly", {}),
    "calendar": ("anomaly", {"seeds": 2, "folds": 3, "window": 48, "batch_size": 512}),
    "dense": ("fashion", {"dataset": "digits"}),
    "base_lstm": ("reviews_lstm", SMALL),
}


def configure(model="dense_32", epochs=2, **settings):
    project, small = RUNS[model]
    chosen = {**small, "epochs": epochs, **settings}
    dataset = chosen.pop("dataset", None)
    return projects.configure(project, model=model, dataset=dataset, preset="quick", device="cpu", settings=chosen)


def run(folder, config, metric_log=None, *, pause_at=(), command="pause"):
    """Execute until the end, with a pause (or another command) at the first chance from each of these steps on."""
    metric_log = metric_log or MemoryMetricLog()
    steps = list(pause_at)
    while True:
        seen = [0]
        aim = steps.pop(0) if steps else math.inf
        outcome = execute(
            Job(
                run_id="0" * 32,
                config=config,
                folder=RunFolder(folder),
                bundle=folder / "bundle",
                metric_log=metric_log,
                poll_command=lambda seen=seen, aim=aim: command if seen[0] >= aim else None,
                on_event=lambda event, seen=seen: seen.__setitem__(0, event.step),
            )
        )
        if outcome.state != "paused":
            return outcome, metric_log


def same_run(left, right):
    """Weights, metrics, gradients and predictions, to the last bit."""
    a, b = Bundle(left / "bundle"), Bundle(right / "bundle")
    weights, others = a.load().module.state_dict(), b.load().module.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
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
def test_pauses_anywhere_change_nothing(model, tmp_path):
    config = configure(model, gradient_every=3)
    run(tmp_path / "straight", config)
    steps = Bundle(tmp_path / "straight" / "bundle").record.steps_per_epoch
    pauses = (1, 3, steps // 2, steps, steps + 2, 2 * steps)
    outcome, _ = run(tmp_path / "paused", config, pause_at=pauses[1:3] if model == "base_lstm" else pauses)
    assert outcome.state == "finished"
    same_run(tmp_path / "straight", tmp_path / "paused")


def test_one_seed_one_run_and_another_seed_another(tmp_path):
    run(tmp_path / "a", configure())
    run(tmp_path / "b", configure())
    same_run(tmp_path / "a", tmp_path / "b")
    run(tmp_path / "c", configure().model_copy(update={"seed": 1}))
    with pytest.raises(AssertionError):
        same_run(tmp_path / "a", tmp_path / "c")


def test_a_torn_checkpoint_costs_only_the_way_from_the_one_before(tmp_path):
    run(tmp_path / "straight", configure())
    folder = RunFolder(tmp_path / "torn")
    metric_log = MemoryMetricLog()
    for step in (40, 100):
        job = Job("0" * 32, configure(), folder, folder.path / "bundle", metric_log, checkpoints=True)
        seen = [0]
        poll_command = lambda seen=seen, step=step: "pause" if seen[0] >= step else None  # noqa: E731
        note = lambda event, seen=seen: seen.__setitem__(0, event.step)  # noqa: E731
        execute(dataclasses.replace(job, poll_command=poll_command, on_event=note))
    newest = max(folder.checkpoints.iterdir())
    newest.write_bytes(newest.read_bytes()[:-50])
    run(folder.path, configure(), metric_log)
    same_run(tmp_path / "straight", folder.path)
    assert newest.exists()  # never overwritten


def test_a_stop_leaves_a_bundle_of_the_best_epoch_and_can_go_on(tmp_path):
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


def test_a_stop_before_the_first_epoch_ended_leaves_what_there_is(tmp_path):
    outcome, _ = run(tmp_path, configure(), pause_at=[10], command="stop")
    record = Bundle(tmp_path / "bundle").record
    assert outcome.state == "stopped" and record.best is None and record.epoch == 0 and record.step == 10


def test_the_best_epoch_is_what_is_kept(tmp_path):
    run(tmp_path, configure(epochs=4, learning_rate=0.05))  # so fast that the last epoch need not be the best
    bundle = Bundle(tmp_path / "bundle")
    losses = bundle.history()["validation_loss"].values
    assert bundle.record.best.epoch == int(losses.argmin()) + 1
    assert bundle.record.metrics["validation_loss"] == losses.min()


def test_patience_ends_a_run_early_and_says_so(tmp_path):
    outcome, _ = run(tmp_path, configure(epochs=60, patience=1, learning_rate=0.05))
    record = Bundle(tmp_path / "bundle").record
    assert outcome.state == "finished" and record.epoch < 60
    assert record.reason == outcome.reason == "no better validation for 1 epochs"


def test_gradients_can_be_switched_off(tmp_path):
    run(tmp_path, configure(gradient_every=0))
    assert read_gradients(tmp_path / "gradients.jsonl") is None
    assert Bundle(tmp_path / "bundle").gradients() is None


def test_not_a_number_names_step_and_layer(tmp_path):
    with pytest.raises(NotFiniteError) as caught:
        run(tmp_path, configure(model="conv", optimizer="sgd", learning_rate=10.0, momentum=0.999, epochs=20))
    assert caught.value.step >= 1 and caught.value.layer and caught.value.reason == "not finite"


SHORT = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 10 TB"),
]


@pytest.mark.parametrize("error", SHORT, ids=lambda error: type(error).__name__)
def test_memory_that_runs_short_anywhere_says_how_to_go_on(error, tmp_path, monkeypatch):
    project = projects.get("anomaly")

    def short(*_):
        raise error

    for stage, fields in {
        "prepare": {"prepare": short},
        "predict": {"task": dataclasses.replace(project.task, predict=short)},
        "baselines": {"baselines": short},
    }.items():
        failing = dataclasses.replace(project, **fields)
        monkeypatch.setattr(execution.projects, "get", lambda slug, failing=failing: failing)
        with pytest.raises(OutOfMemoryError, match="half the batch") as raised:
            run(tmp_path / stage, configure(epochs=1))
        assert "batch_size=32" in str(raised.value)


def test_bad_data_comes_through_as_such(tmp_path, monkeypatch):
    def bad(*_):
        raise DataError("row 7, column value: 'x' is no number.")

    project = dataclasses.replace(projects.get("anomaly"), prepare=bad)
    monkeypatch.setattr(execution.projects, "get", lambda slug: project)
    with pytest.raises(DataError) as caught:
        run(tmp_path, configure())
    assert caught.value.reason == "bad data"
