"""What a run says between a click and the worker's answer, and while it is tested."""

import time
from dataclasses import asdict

import pytest

from dlcore import projects, runs
from dlcore.core.errors import RunError
from dlcore.runs import Best, execution
from dlcore.runs import folder as folders
from dlcore.runs.execution import Job, execute
from dlcore.runs.folder import RunFolder, of_run
from dlcore.runs.lifecycle import read_state, write_state
from dlcore.runs.metric_log import FolderMetricLog, MemoryMetricLog
from dlcore.runs.record import STARTING
from dlcore.runs.worker import liveness, queue
from dlcore.ui.shell import states
from dlcore.ui.widgets import run_actions


@pytest.fixture
def running(home, config):
    """A run whose worker is this process, and does not listen."""
    run_id = runs.create(config).run_id
    write_state(of_run(run_id), "running", doing="")
    sign_in(run_id)
    return run_id


def sign_in(run_id, device="cpu"):
    place = of_run(run_id)
    folders.write_json(place.worker, asdict(liveness.WorkerInfo(token="t", launched=time.time(), device=device)))
    liveness.sign_in(place, "t")


@pytest.mark.parametrize(
    ("action", "word"), [(run_actions.PAUSE, "Pausing"), (run_actions.STOP, "Stopping")], ids=["pause", "stop"]
)
def test_state_changes_with_the_click_not_with_the_answer_of_the_worker(running, action, word):
    assert states.state_style(runs.open_run(running).record).word == "Running"
    action.perform(running)
    record = runs.open_run(running).record
    assert record.state == "running" and states.state_style(record).word == word
    assert run_actions.actions(record) == []  # until the worker has obeyed
    write_state(of_run(running), "paused" if word == "Pausing" else "stopped", "stopped at step 3")
    assert states.state_style(runs.open_run(running).record).word in ("Paused", "Stopped")


def test_command_is_stored_neither_in_the_state_nor_in_new_runs(running, config):
    runs.pause(running)
    record = runs.open_run(running).record
    assert record.command == "pause" and "command" not in record.as_state() and "command" not in record.about
    assert "command" not in read_state(of_run(running))
    assert runs.Record.from_json(record.as_json()) == record


def test_run_with_the_device_for_itself_is_starting_not_queued(home, config):
    first, second = (runs.create(config).run_id for _ in range(2))
    for run_id in (first, second):
        queue.join(run_id, "cpu")
        sign_in(run_id)
    starting, waiting = runs.open_run(first).record, runs.open_run(second).record
    assert (starting.doing, states.state_style(starting).word) == (STARTING, "Starting")
    assert (waiting.doing, waiting.reason) == ("", "waits for cpu behind 1 run")
    assert states.state_style(waiting).word == "Queued"
    write_state(of_run(first), "running", doing=STARTING)  # it imports PyTorch
    assert states.state_style(runs.open_run(first).record).word == "Starting"


def test_resumed_run_does_not_repeat_what_it_did_last(home, config):
    run_id = runs.create(config).run_id
    write_state(of_run(run_id), "paused", doing="testing on 10 samples", doing_share=0.5)
    record = runs.open_run(run_id).record
    assert (record.doing, record.doing_share) == ("", 0.0)


def test_test_after_the_last_epoch_reports_its_samples_and_progress(tmp_path):
    reports = []

    class Log(MemoryMetricLog):
        def update(self, fields):
            super().update(fields)
            reports.append((fields.get("doing", ""), fields.get("doing_share", 0.0)))

    config = projects.configure(
        "fashion", dataset="digits", preset="quick", device="cpu", settings={"epochs": 1, "train_rows": 200}
    )
    log = Log()
    execute(Job("0" * 32, config, RunFolder(tmp_path), tmp_path / "bundle", log, checkpoints=False))
    assert reports[0] == ("preparing the data", 0.0) and reports[-1] == ("", 0.0)
    n = runs.Bundle(tmp_path / "bundle").run["sizes"]["test"]
    testing = [(text, share) for text, share in reports if text.startswith(f"testing on {n:,} samples")]
    assert testing[0] == (f"testing on {n:,} samples", 0.0)
    assert testing[-1] == (f"testing on {n:,} samples: predicted {n:,} of {n:,}", 1.0)
    record = runs.Bundle(tmp_path / "bundle").record
    assert record.doing == "" and record.command == ""
    record = runs.Record("a", "fashion", "dense", "digits", "running", doing=testing[-1][0], doing_share=1.0)
    assert states.state_style(record).word == "Running"


def stop_at(step, tmp_path, config, metric_log=None):
    step_reached = [0]
    job = Job(
        run_id="0" * 32,
        config=config,
        folder=RunFolder(tmp_path),
        bundle=tmp_path / "bundle",
        metric_log=metric_log or MemoryMetricLog(),
        poll_command=lambda: "stop" if step_reached[0] >= step else None,
        on_event=lambda event: step_reached.__setitem__(0, event.step),
    )
    return execute(job)


def test_run_that_is_stopped_before_its_first_epoch_is_not_tested(tmp_path, config, monkeypatch):
    monkeypatch.setattr(execution, "measure", lambda *_, **__: pytest.fail("the test split was read"))
    monkeypatch.setattr("dlcore.runs.worker.checkpoint_scheduler.POLL_SECONDS", 0.0)
    outcome = stop_at(10, tmp_path, config)
    assert outcome.state == "stopped" and not outcome.has_bundle
    assert outcome.reason.startswith("stopped at step 10 of ") and outcome.reason.endswith("not tested")
    assert not (tmp_path / "bundle").exists()


def test_record_of_a_run_without_an_epoch_has_no_score(home, config, monkeypatch):
    monkeypatch.setattr("dlcore.runs.worker.checkpoint_scheduler.POLL_SECONDS", 0.0)
    run_id = runs.create(config).run_id
    log = FolderMetricLog(of_run(run_id))
    outcome = stop_at(10, of_run(run_id).path, config, log)
    log.close()
    write_state(of_run(run_id), outcome.state, outcome.reason)
    run = runs.open_run(run_id)
    assert run.record.best is None and run.record.metrics == {} and run.bundle is None
    assert "before the end of the first epoch: not tested" in states.describe_state(run.record)
    assert [action.name for action in run_actions.actions(run.record)] == ["Resume"]
    with pytest.raises(RunError, match="no bundle"):
        run.metrics  # noqa: B018


def test_foreground_training_without_an_epoch_says_that_there_is_no_bundle(tmp_path, config, monkeypatch):
    import contextlib

    monkeypatch.setattr("dlcore.runs.worker.checkpoint_scheduler.POLL_SECONDS", 0.0)
    interrupt = contextlib.contextmanager(lambda: iter([lambda: "stop"]))
    monkeypatch.setattr("dlcore.runs.foreground._stop_on_interrupt", interrupt)
    with pytest.raises(RunError, match="before the end of the first epoch: not tested"):
        runs.train_here(config, tmp_path / "bundle")


def test_paused_run_with_an_epoch_can_still_be_stopped():
    paused = runs.Record("a", "anomaly", "conv", "nyc_taxi", "paused", best=Best(2, "validation_loss", 0.1))
    assert [action.name for action in run_actions.actions(paused)] == ["Resume", "Stop"]
