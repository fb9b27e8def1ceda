import contextlib
import subprocess
import sys

import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import StoreError
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import read_state
from dlcore.runs.metric_file import read_metrics

pytestmark = [pytest.mark.faults]

WRITER = """
import sys, time
from dlcore import projects, runs
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import update_state
from dlcore.runs.metric_file import append_metrics
number = int(sys.argv[1])
config = projects.configure("anomaly", model="dense_32", preset="quick", device="cpu")
folder = of_run(runs.create(config).run_id)
while len(ids := [run.run_id for run in runs.list_runs("anomaly", 10)]) < 3:
    time.sleep(0.05)
shared = of_run(min(ids))
for batch in range(40):
    steps = range(batch * 20, batch * 20 + 20)
    append_metrics(shared, [(step, {f"metric_{number}": step / 3}, 0) for step in steps])
    append_metrics(folder, [(step, {f"private_{number}": step / 3}, 0) for step in steps])
    update_state(shared, **{f"batch_{number}": batch})
print(folder.run_id)
"""


def test_concurrent_writes_of_three_processes_lose_nothing(home):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(n)], stdout=subprocess.PIPE, text=True) for n in range(3)
    ]
    run_ids = [writer.communicate(timeout=120)[0].strip() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    shared, state = read_metrics(of_run(min(run_ids))), read_state(of_run(min(run_ids)))
    assert len(runs.list_runs("anomaly")) == 3
    for number, run_id in enumerate(run_ids):
        assert shared[f"metric_{number}"].steps.tolist() == list(range(800))
        assert (shared[f"metric_{number}"].values == np.arange(800) / 3).all()
        assert read_metrics(of_run(run_id))[f"private_{number}"].steps.tolist() == list(range(800))
        assert state[f"batch_{number}"] == 39


@contextlib.contextmanager
def mounted(place, options):
    """A small file system in memory; only root may mount one."""
    place.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here ({done.stderr.strip() or 'not root'})")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk_fails_the_run_in_one_line_and_keeps_finished_runs(tmp_path, monkeypatch, launch, until, configure):
    with mounted(tmp_path / "small", "size=12m") as place:
        monkeypatch.setenv("DLCORE_HOME", str(place))
        done = launch(epochs=1)
        finished = until(done, lambda record: record.state == "finished")
        record = runs.create(configure(epochs=3000))
        runs.start(record.run_id)
        until(record.run_id, lambda record: record.step > 200)
        filler = place / "filler"
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"\0" * 4096)
                file.flush()
        failed = wait_for_failure(record.run_id)
        assert failed.state == "failed" and failed.reason.startswith("disk full: "), failed
        assert "free some space" in failed.reason and "\n" not in failed.reason
        assert runs.open_run(done).record == finished and runs.open_run(done).bundle.load()
        with pytest.raises(StoreError, match="full"):
            for _ in range(100):
                runs.create(configure())
        filler.unlink()
        runs.resume(record.run_id)  # with free space, it continues from its last checkpoint
        until(record.run_id, lambda later: later.step > failed.step)
        runs.pause(record.run_id)
        until(record.run_id, lambda later: later.state == "paused")


def wait_for_failure(run_id):
    record = runs.wait(run_id, timeout=60)
    assert record.state != "running", runs.open_run(run_id).log_tail()
    return record


def test_read_only_home_can_be_read_and_rejects_writes(tmp_path, monkeypatch, launch, until, configure):
    writable, fixed = tmp_path / "home", tmp_path / "fixed"
    run_id = launch(epochs=1)
    record = until(run_id, lambda record: record.state == "finished")
    fixed.mkdir()
    if subprocess.run(["mount", "--bind", str(writable), str(fixed)], capture_output=True).returncode:
        pytest.skip("no folder can be mounted read-only here (not root)")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(fixed)], check=True)
        monkeypatch.setenv("DLCORE_HOME", str(fixed))
        assert runs.open_run(run_id).record == record and len(runs.list_runs()) == 1
        assert runs.open_run(run_id).history() and runs.open_run(run_id).bundle.load()
        for write in (lambda: runs.create(configure()), lambda: runs.import_run(runs.open_run(run_id).bundle.folder)):
            with pytest.raises(StoreError, match="DLCORE_HOME") as raised:
                write()
            assert "\n" not in str(raised.value)
    finally:
        subprocess.run(["umount", "-l", str(fixed)], check=True)
