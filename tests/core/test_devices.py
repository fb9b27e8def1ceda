"""As many threads as cores that the process may use."""

import json
import os
import subprocess
import sys
from typing import ClassVar

import pytest
import torch

from dlcore.core import devices
from dlcore.core.errors import DeviceError
from dlcore.training.state import thread_count

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no processor affinity")

TRAIN = """
import json, os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from pathlib import Path
from dlcore import projects, runs
from dlcore.core import devices
from dlcore.runs import execution
import torch
execution.thread_count = lambda parameters, cores: cores  # as for a model with more than 300,000 parameters
settings = {"epochs": 1, **json.loads(sys.argv[3])}
config = projects.configure(sys.argv[1], model=sys.argv[2], preset="quick", device="cpu", dataset="digits",
    settings=settings)
runs.train_here(config, Path(sys.argv[4]))
environment = json.loads((Path(sys.argv[4]) / "run.json").read_text())["environment"]
print(json.dumps([devices.allowed_cores(), torch.get_num_threads(), environment["cores"], environment["devices"]]))
"""


@pytest.fixture
def allow_one_core():
    """Restrict this process to one core, as taskset and Slurm do."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


def test_large_model_gets_no_more_threads_than_allowed_cores(allow_one_core):
    assert thread_count(1_000_000, devices.allowed_cores()) == 1
    assert devices.available()[-1].title.endswith(", 1 core")
    assert devices.describe()["cores"] == 1


def test_run_on_one_of_several_cores_trains_with_one_thread(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    settings = json.dumps({"train_rows": 200})
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, "fashion", "improved", settings, str(tmp_path / "bundle")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cores, threads, recorded, titles = json.loads(done.stdout.splitlines()[-1])
    assert (cores, threads, recorded) == (1, 1, 1) and titles.endswith("1 core")


def test_numpy_network_gets_no_more_threads_than_allowed_cores(allow_one_core, monkeypatch):
    from dlcore.projects.foundations.numpy_nn import NumpyTrainingLoop

    class Network:
        parameters: ClassVar = {"weight": torch.zeros(1000, 1000).numpy()}

    loop = object.__new__(NumpyTrainingLoop)
    loop.network = Network()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert loop._threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert loop._threads() is None


def test_workers_of_a_search_share_the_allowed_cores(monkeypatch, tmp_path):
    """A container with four cores of a large machine: two workers use two threads each."""
    from dlcore.runs.folder import RunFolder, write_json
    from dlcore.runs.search import trials

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(devices.joblib, "cpu_count", lambda: 4)
    monkeypatch.setattr(trials, "open_study", lambda folder: None)
    folder = RunFolder(tmp_path / "search-1")
    folder.path.mkdir()
    from dlcore import projects

    config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
    write_json(folder.config, {"workers": 2, "metric": "", "config": config.model_dump(mode="json")})

    class Context:
        rank = 0

    Context.folder = folder
    trials._open_session(Context(), lambda line: None)
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_more_gpus_than_there_are_is_rejected(monkeypatch):
    monkeypatch.setattr(devices, "available", lambda: [devices.Device("cuda:0", "GPU"), devices.Device("cpu", "CPU")])
    devices.check_count("cpu", 8)
    devices.check_count("cuda:0", 1)
    with pytest.raises(DeviceError, match="this machine has 1"):
        devices.check_count("cuda:0", 2)
