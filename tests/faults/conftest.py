"""Fixtures that start real workers and wait for them."""

import os
import signal
import time
from pathlib import Path

import pytest

from dlcore import projects, runs

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _quick_checkpoints(home: Path, monkeypatch):
    monkeypatch.setenv("DLCORE_CHECKPOINT_SECONDS", "0.2")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    for worker in (home / "runs").glob("*/worker.json"):  # leave no process behind
        from dlcore.runs import folder
        from dlcore.runs.worker import liveness

        worker_info = liveness.read(folder.RunFolder(worker.parent))
        if worker_info and worker_info.pid and liveness.is_alive(folder.RunFolder(worker.parent)):
            os.kill(worker_info.pid, signal.SIGKILL)


@pytest.fixture
def configure():
    """A config of the smallest model; 79 steps an epoch."""

    def make(epochs=40, model="dense_32", **settings):
        values = {"epochs": epochs, **settings}
        return projects.configure("anomaly", model=model, preset="quick", device="cpu", settings=values)

    return make


@pytest.fixture
def until():
    """Wait until a run's record satisfies a condition; fails after `timeout` seconds."""

    def wait(run_id, condition, timeout=120.0):
        deadline = time.monotonic() + timeout
        while True:
            record = runs.open_run(run_id).record
            if condition(record):
                return record
            if time.monotonic() > deadline or record.state == "failed":
                pytest.fail(f"{record}\n{runs.open_run(run_id).log_tail(30)}")
            time.sleep(0.05)

    return wait


@pytest.fixture
def launch(configure):
    """Create and start a run; return its id."""

    def start(**settings):
        record = runs.create(configure(**settings))
        runs.start(record.run_id)
        return record.run_id

    return start
