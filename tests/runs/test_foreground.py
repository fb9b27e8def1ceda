import signal
import subprocess
import sys

import pytest

from dlcore import runs
from dlcore.core.errors import RequestError


def test_neither_mlflow_nor_submitit_is_needed(home, tmp_path):
    code = f"""
import sys
from pathlib import Path
sys.modules["mlflow"] = sys.modules["submitit"] = None  # as if they were not installed
from dlcore import projects, runs
config = projects.configure("anomaly", model="lstm", preset="quick", settings={{"epochs": 1}}, device="cpu")
events = []
record = runs.train_here(config, Path({str(tmp_path / "bundle")!r}), events.append)
print(record.state, record.epoch, len(events) > 10)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["finished", "1", "True"], done.stderr
    assert (tmp_path / "bundle" / "card.md").exists()
    assert not home.exists()  # and no run folder was created


def test_folder_with_other_files_is_not_overwritten(config, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="no bundle"):
        runs.train_here(config, tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_several_devices_are_rejected_with_a_next_step(config, tmp_path):
    with pytest.raises(RequestError, match="leave out --bundle"):
        runs.train_here(config.model_copy(update={"devices": 2}), tmp_path / "b")


def test_a_bundle_is_replaced_by_the_next(config, tmp_path):
    first = runs.train_here(config, tmp_path / "b")
    second = runs.train_here(config, tmp_path / "b")
    assert first.run_id != second.run_id and runs.Bundle(tmp_path / "b").record.run_id == second.run_id
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_ctrl_c_ends_training_and_writes_the_bundle(tmp_path):
    code = f"""
from pathlib import Path
from dlcore import projects, runs
config = projects.configure("anomaly", model="dense_32", preset="quick", settings={{"epochs": 2000}}, device="cpu")
record = runs.train_here(config, Path({str(tmp_path / "bundle")!r}), lambda event: print(event.step, flush=True))
print(record.state, record.reason)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    while int(process.stdout.readline()) < 300:
        pass
    process.send_signal(signal.SIGINT)
    last = process.communicate(timeout=60)[0].splitlines()[-1]
    assert last.startswith("stopped stopped at step ") and process.returncode == 0
    assert runs.Bundle(tmp_path / "bundle").record.best.epoch >= 3
