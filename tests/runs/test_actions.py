"""Actions on runs without a worker: states, rejected requests, forks."""

import time
from dataclasses import asdict

import pytest

from dlcore import projects, runs
from dlcore.core.errors import ConfigError, DeviceError, RunError
from dlcore.runs.folder import of_run, write_json
from dlcore.runs.lifecycle import read_state, write_state
from dlcore.runs.worker import launcher, liveness, queue


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("life") / "home"


@pytest.fixture(autouse=True)
def _stored(shared, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(shared))


@pytest.fixture
def launches(monkeypatch):
    """Record launches instead of starting workers."""
    calls = []

    def launch(folder, *, device, devices, nodes, executor, command):
        calls.append((folder.run_id, command))

    monkeypatch.setattr(launcher, "launch", launch)
    return calls


def kill(run_id):
    """Leave the trace of a worker that signed in and died."""
    worker = liveness.WorkerInfo("token", time.time(), pid=2**22 - 3, started=1.0, host=liveness.this_host())
    write_json(of_run(run_id).worker, asdict(worker))


def test_a_new_run_is_queued_and_readable(config):
    record = runs.create(config)
    assert (record.state, record.project, record.model, record.device) == ("queued", "anomaly", "dense_32", "cpu")
    run = runs.open_run(record.run_id[:10])
    assert run.config == config and run.record == record
    assert (run.history(), run.gradients(), run.bundle, run.log_tail()) == ({}, None, None, "")
    assert record.run_id in [other.run_id for other in runs.list_runs("anomaly")]
    assert runs.list_runs("fashion") == []


def test_auto_device_is_resolved_on_create(config):
    record = runs.create(config.model_copy(update={"device": "auto"}))
    assert record.device != "auto" and runs.open_run(record.run_id).config.device == record.device


def test_missing_device_is_rejected(config):
    with pytest.raises(DeviceError, match="cuda:63"):
        runs.create(config.model_copy(update={"device": "cuda:63"}))


def test_invalid_config_is_rejected(config):
    value = config.model_dump()
    with pytest.raises(ConfigError, match="windw"):
        runs.create(projects.load_config({**value, "data_options": {**value["data_options"], "windw": 3}}))


def test_pause_and_stop_of_a_waiting_run_work_at_once(config, launches):
    record = runs.create(config)
    runs.start(record.run_id)
    assert runs.pause(record.run_id).state == "paused"
    assert queue.runs_ahead("unknown", "cpu") == []
    assert runs.resume(record.run_id).state == "queued"
    assert runs.stop(record.run_id).state == "stopped"
    assert launches == [(record.run_id, None)] * 2


def test_a_killed_worker_reads_interrupted_waiting_or_running(config):
    record = runs.create(config)
    kill(record.run_id)
    assert runs.open_run(record.run_id).record.state == "interrupted"
    write_state(of_run(record.run_id), "running")
    interrupted = runs.open_run(record.run_id).record
    assert interrupted.state == "interrupted" and "resume" in interrupted.reason and interrupted.pid is None
    assert {r.run_id: r.state for r in runs.list_runs()}[record.run_id] == "interrupted"


def test_an_interrupted_run_can_be_resumed_and_stopped(config, launches):
    record = runs.create(config)
    kill(record.run_id)
    assert launches == []
    runs.resume(record.run_id)
    assert launches == [(record.run_id, None)]
    best = {"epoch": 1, "metric": "validation_loss", "value": 0.1}
    write_state(of_run(record.run_id), "paused", best=best, epoch=1, step=79)
    runs.stop(record.run_id)  # it has a best epoch: a worker evaluates it
    assert launches[1:] == [(record.run_id, "conclude")]


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("finished", ("resume", "pause", "stop", "start")),
        ("failed", ("pause", "stop", "start")),
        ("paused", ("pause", "start")),
    ],
)
def test_action_in_a_wrong_state_is_rejected_in_one_line(config, state, verbs):
    record = runs.create(config)
    write_state(of_run(record.run_id), state)
    for verb in verbs:
        with pytest.raises(RunError, match=state) as raised:
            getattr(runs, verb)(record.run_id)
        assert "\n" not in str(raised.value)


def test_fork_has_the_config_of_its_parent_with_changes(config):
    parent = runs.create(config)
    child = runs.fork(parent.run_id, {"epochs": 9, "seed": 4})
    assert child.parent == parent.run_id and child.state == "queued" and child.seed == 4
    changed = runs.open_run(child.run_id).config
    assert changed.training.epochs == 9
    assert changed.training.model_copy(update={"epochs": config.training.epochs}) == config.training
    with pytest.raises(ConfigError, match="epochs"):
        runs.fork(parent.run_id, {"epochs": 0})


def test_delete_removes_the_folder_but_rejects_a_live_run(config):
    record = runs.create(config)
    liveness.sign_in(of_run(record.run_id), "token")
    with pytest.raises(RunError, match="stop it first"):
        runs.delete_run(record.run_id)
    kill(record.run_id)
    runs.delete_run(record.run_id)
    assert not of_run(record.run_id).path.exists()
    with pytest.raises(RunError, match="no run"):
        runs.open_run(record.run_id)


@pytest.mark.parametrize("ref", ["", "nonsense", "0" * 32, "'; drop table runs; --", "../../etc", "%", "ABCDEF"])
def test_unknown_id_is_rejected(ref):
    with pytest.raises(RunError, match="no run"):
        runs.open_run(ref)


def test_ambiguous_prefix_is_rejected(config):
    ids = [runs.create(config).run_id for _ in range(17)]
    letters = [run_id[0] for run_id in ids]
    twice = next(letter for letter in letters if letters.count(letter) > 1)
    with pytest.raises(RunError, match="several"):
        runs.open_run(twice)


def test_state_file_holds_every_field_of_the_record(config):
    record = runs.create(config, tags={"variant": "slow"})
    assert read_state(of_run(record.run_id)) == {**record.as_state(), "tags": {"variant": "slow"}, "executor": "local"}
    assert runs.open_run(record.run_id).record == record


def test_a_long_log_is_read_from_its_end(config):
    record = runs.create(config)
    lines = "\n".join(f"line {number}" for number in range(300_000))
    of_run(record.run_id).log.write_text(lines)
    begin = time.perf_counter()
    tail = runs.open_run(record.run_id).log_tail(3)
    assert tail == "line 299997\nline 299998\nline 299999" and time.perf_counter() - begin < 0.2


def test_missing_submitit_names_the_package(config, monkeypatch):
    record = runs.create(config)
    monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunError, match="submitit is not installed"):
        runs.start(record.run_id)
    assert runs.open_run(record.run_id).record.state == "queued"
