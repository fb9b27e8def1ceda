"""A run that two processes train: either may be killed, and both obey every command at the same step."""

import json
import os
import signal
import time

import numpy as np
import psutil
import pytest
import torch

from dlcore import projects, runs
from dlcore.runs import folder
from dlcore.runs.worker import checkpoints, liveness

pytestmark = [pytest.mark.faults]
SETTINGS = {"epochs": 20, "devices": 2, "learning_rate": 1e-4}
EPOCHS = SETTINGS["epochs"]
TIMES = {"elapsed_s", "epoch_s", "resumed"}
PATIENCE = 120.0
"""Seconds to wait for two processes that import torch and meet, also beside other work."""


def wait_for(run_id, condition, *, timeout=PATIENCE):
    """Wait until a run's record satisfies a condition."""
    deadline = time.monotonic() + timeout
    while not condition(record := runs.open_run(run_id).record):
        if time.monotonic() > deadline:
            pytest.fail(f"{record}\n{runs.open_run(run_id).log_tail(30)}")
        time.sleep(0.02)
    return record


def last_snapshot(run_id):
    """Wait for the end of training, not of the evaluation: the last checkpoint and the curves."""
    paths, deadline = folder.of_run(run_id), time.monotonic() + PATIENCE
    while True:
        snapshot = checkpoints.newest(paths.checkpoints)
        if snapshot is not None and snapshot["progress"]["epoch"] > EPOCHS:
            return snapshot, runs.open_run(run_id).history()
        assert time.monotonic() < deadline, runs.open_run(run_id).log_tail(30)
        time.sleep(0.05)


def pids(run_id):
    """Pids of both processes, the first one first."""
    paths = folder.of_run(run_id)
    (other,) = paths.path.glob("process-1-*.json")
    return liveness.read(paths).pid, json.loads(other.read_text())["pid"]


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(*processes):
    deadline = time.monotonic() + PATIENCE
    while not all(is_gone(pid) for pid in processes):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The last checkpoint and the curves of an uninterrupted run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_HOME", str(tmp_path_factory.mktemp("home")))
        config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu", settings=SETTINGS)
        run_id = runs.create(config).run_id
        runs.start(run_id)
        results = last_snapshot(run_id)
        os.kill(pids(run_id)[0], signal.SIGKILL)  # its evaluation does not matter here
        return results


@pytest.mark.parametrize("rank", [0, 1])
def test_kill_9_of_either_process_interrupts_the_run_and_resume_is_bitwise(rank, launch, straight):
    run_id = launch(**SETTINGS)
    wait_for(run_id, lambda record: record.step > 300)
    both = pids(run_id)
    os.kill(both[rank], signal.SIGKILL)
    record = wait_for(run_id, lambda record: record.state != "running", timeout=15)
    assert record.state == "interrupted" and record.step < EPOCHS * record.steps_per_epoch
    assert ("process 2 of 2" in record.reason) == (rank == 1) and "resume from the last checkpoint" in record.reason
    wait_until_gone(*both)
    assert checkpoints.newest(folder.of_run(run_id).checkpoints)["progress"]["step"] > 0
    runs.resume(run_id)
    snapshot, curves = last_snapshot(run_id)
    for name in set(straight[1]) - TIMES:
        assert np.array_equal(curves[name].steps, straight[1][name].steps), name
        assert np.array_equal(curves[name].values, straight[1][name].values), name
    assert all(torch.equal(value, straight[0]["module"][name]) for name, value in snapshot["module"].items())
    assert {path.name for path in folder.of_run(run_id).path.glob("gradients*")} == {"gradients.jsonl"}


def test_a_run_continues_on_another_number_of_devices(launch, straight):
    run_id = launch(**SETTINGS)
    for step, devices in ((200, 1), (400, 2)):
        wait_for(run_id, lambda record, step=step: record.step > step)
        runs.pause(run_id)
        wait_for(run_id, lambda record: record.state == "paused")
        runs.resume(run_id, devices=devices)
        assert runs.open_run(run_id).config.devices == devices
    snapshot, curves = last_snapshot(run_id)
    for name in ("batch_loss", "train_loss", "validation_loss"):
        assert np.array_equal(curves[name].steps, straight[1][name].steps), name
        assert np.allclose(curves[name].values, straight[1][name].values, rtol=1e-3), name
    assert snapshot["progress"]["samples"] == straight[0]["progress"]["samples"]


def test_a_signal_to_the_second_process_pauses_both(launch):
    run_id = launch(epochs=10_000, devices=2)
    wait_for(run_id, lambda record: record.step > 100)
    both = pids(run_id)
    os.kill(both[1], signal.SIGTERM)
    record = wait_for(run_id, lambda record: record.state != "running")
    wait_until_gone(*both)
    assert record.state == "paused"
    assert checkpoints.newest(folder.of_run(run_id).checkpoints)["progress"]["step"] == record.step


def test_stop_ends_both_and_evaluates_the_best_epoch(launch):
    run_id = launch(epochs=10_000, devices=2)
    wait_for(run_id, lambda record: record.epoch >= 2)
    both = pids(run_id)
    runs.stop(run_id)
    record = wait_for(run_id, lambda record: record.state != "running")
    assert record.state == "stopped"
    bundle = runs.open_run(run_id).bundle
    assert bundle.record.best.epoch == record.best.epoch
    assert "2 processes share every batch" in (bundle.folder / "card.md").read_text()
    wait_until_gone(*both)


def test_a_process_that_dies_before_the_first_step_interrupts_the_run(launch):
    run_id = launch(epochs=10_000, devices=2)
    deadline = time.monotonic() + PATIENCE
    while not list(folder.of_run(run_id).path.glob("process-1-*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(pids(run_id)[1], signal.SIGKILL)
    record = wait_for(run_id, lambda record: record.state not in ("queued", "running"))
    assert record.state == "interrupted" and "process 2 of 2" in record.reason


def test_a_loss_that_is_not_finite_is_the_reason(launch):
    run_id = launch(model="conv", epochs=20, devices=2, optimizer="sgd", learning_rate=10.0, momentum=0.999)
    record = wait_for(run_id, lambda record: record.state not in ("queued", "running"))
    assert record.state == "failed" and record.reason.startswith("not finite"), record.reason
