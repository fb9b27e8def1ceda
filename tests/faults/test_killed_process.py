"""A run that two processes train: either may be killed, and both obey every command at the same step."""

import json
import os
import signal
import time

import numpy as np
import psutil
import pytest
import torch

from dlcore import runs
from dlcore.runs import folder
from dlcore.runs.worker import checkpoints, liveness

pytestmark = [pytest.mark.faults]
SETTINGS = {"epochs": 12, "devices": 2, "learning_rate": 1e-4}
TIMES = {"elapsed_s", "epoch_s", "resumed"}


def pids(run_id):
    """Pids of both processes, the first one first."""
    paths = folder.of_run(run_id)
    (other,) = paths.path.glob("process-1-*.json")
    return liveness.read(paths).pid, json.loads(other.read_text())["pid"]


def weights(run_id):
    return runs.open_run(run_id).bundle.load().module.state_dict()


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until_gone(*processes):
    deadline = time.monotonic() + 15
    while not all(is_gone(pid) for pid in processes):
        assert time.monotonic() < deadline, processes
        time.sleep(0.05)


def finish(run_id, until):
    return until(run_id, lambda record: record.state == "finished")


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """An uninterrupted run: its metrics and weights."""
    from dlcore import projects

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_HOME", str(tmp_path_factory.mktemp("home")))
        config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu", settings=SETTINGS)
        run_id = runs.create(config).run_id
        runs.start(run_id)
        assert runs.wait(run_id, timeout=120).state == "finished"
        return runs.open_run(run_id).history(), weights(run_id)


@pytest.mark.parametrize("rank", [0, 1])
def test_kill_9_of_either_process_interrupts_the_run_and_resume_is_bitwise(rank, launch, until, straight):
    run_id = launch(**SETTINGS)
    until(run_id, lambda record: record.step > 300)
    both = pids(run_id)
    os.kill(both[rank], signal.SIGKILL)
    record = until(run_id, lambda record: record.state == "interrupted", timeout=15)
    assert ("process 2 of 2" in record.reason) == (rank == 1) and "resume from the last checkpoint" in record.reason
    wait_until_gone(*both)
    assert checkpoints.newest(folder.of_run(run_id).checkpoints)["progress"]["step"] > 0
    assert not list(folder.of_run(run_id).path.glob("gradients-*"))
    runs.resume(run_id)
    finish(run_id, until)
    curves, expected = runs.open_run(run_id).history(), straight[0]
    for name in set(expected) - TIMES:
        assert np.array_equal(curves[name].steps, expected[name].steps), name
        assert np.array_equal(curves[name].values, expected[name].values), name
    assert all(torch.equal(value, straight[1][name]) for name, value in weights(run_id).items())


def test_a_run_continues_on_another_number_of_devices(launch, until, straight):
    run_id = launch(**SETTINGS)
    until(run_id, lambda record: record.step > 300)
    runs.pause(run_id)
    paused = until(run_id, lambda record: record.state == "paused")
    runs.resume(run_id, devices=1)
    until(run_id, lambda record: record.step > paused.step + 100)
    runs.pause(run_id)
    until(run_id, lambda record: record.state == "paused")
    runs.resume(run_id, devices=2)
    finish(run_id, until)
    curves, expected = runs.open_run(run_id).history(), straight[0]
    for name in ("batch_loss", "train_loss", "validation_loss"):
        assert np.array_equal(curves[name].steps, expected[name].steps), name
        assert np.allclose(curves[name].values, expected[name].values, rtol=1e-3), name


def test_sigterm_of_the_second_process_pauses_both(launch, until):
    run_id = launch(epochs=2000, devices=2)
    until(run_id, lambda record: record.step > 100)
    both = pids(run_id)
    os.kill(both[1], signal.SIGTERM)
    record = until(run_id, lambda record: record.state == "paused")
    wait_until_gone(*both)
    assert checkpoints.newest(folder.of_run(run_id).checkpoints)["progress"]["step"] == record.step


def test_stop_writes_the_bundle_of_the_best_epoch(launch, until):
    run_id = launch(epochs=2000, devices=2)
    until(run_id, lambda record: record.epoch >= 2)
    both = pids(run_id)
    runs.stop(run_id)
    record = until(run_id, lambda record: record.state == "stopped")
    assert runs.open_run(run_id).bundle.record.best.epoch == record.best.epoch
    wait_until_gone(*both)


def test_a_process_that_dies_before_the_first_step_interrupts_the_run(launch, until):
    run_id = launch(epochs=2000, devices=2)
    deadline = time.monotonic() + 60
    while not list(folder.of_run(run_id).path.glob("process-1-*.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(pids(run_id)[1], signal.SIGKILL)
    record = until(run_id, lambda record: record.state == "interrupted", timeout=60)  # its first process imports torch
    assert "process 2 of 2" in record.reason


def test_an_error_in_the_second_process_is_the_reason(launch, until):
    run_id = launch(epochs=2000, devices=2, learning_rate=10.0, optimizer="sgd")
    deadline = time.monotonic() + 60
    while (record := runs.open_run(run_id).record).state != "failed":
        assert time.monotonic() < deadline, record
        time.sleep(0.05)
    assert record.reason.startswith("not finite"), record.reason
