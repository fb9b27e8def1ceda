"""Run folders as the store: metrics, state files, the list of runs, and errors of the file system."""

import errno
import json
import os
import subprocess
import sys
import threading
import time

import filelock
import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import LockedError, RunError, StoreError
from dlcore.runs import lifecycle, local_store, locks
from dlcore.runs.folder import of_run, write_json
from dlcore.runs.metric_file import append_metrics, read_metrics
from dlcore.runs.metric_log import FolderMetricLog


@pytest.fixture
def folder(home, config):
    return of_run(runs.create(config).run_id)


def lines_with(folder, name):
    """How often a metric was written."""
    return sum(name in json.loads(line)["values"] for line in folder.metrics.read_text().splitlines())


def test_history_round_trips_to_the_last_bit(folder):
    values = np.random.default_rng(0).normal(size=50)
    append_metrics(folder, [(step + 1, {"batch_loss": value}, step) for step, value in enumerate(values.tolist())])
    curve = read_metrics(folder)["batch_loss"]
    assert curve.steps.tolist() == list(range(1, 51))
    assert (curve.values == values).all()


def test_values_that_json_lacks_round_trip(folder):
    values = [float("nan"), 1.5, float("inf"), float("-inf")]
    append_metrics(folder, [(step, {"batch_loss": value}, 0) for step, value in enumerate(values)])
    np.testing.assert_array_equal(read_metrics(folder)["batch_loss"].values, values)
    for line in folder.metrics.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_step_written_twice_is_read_once_with_the_last_value(folder):
    append_metrics(folder, [(step, {"batch_loss": value}, 0) for step, value in ((2, 1.0), (1, 5.0), (2, 3.0))])
    curve = read_metrics(folder)["batch_loss"]
    assert (curve.steps.tolist(), curve.values.tolist()) == ([1, 2], [5.0, 3.0])


@pytest.mark.parametrize("again", [(3, 4, 5), (2, 3, 4, 5)])
def test_resumed_run_logs_no_step_twice(folder, again):
    """The checkpoint was taken at step 2: after its last event, or between two events of that step."""
    append_metrics(folder, [(step, {"batch_loss": float(step)}, 0) for step in (1, 2, 3, 4)])
    metric_log = FolderMetricLog(folder)
    metric_log.start(2)
    for step in again:
        metric_log.log(step, {"batch_loss": -1.0})
    metric_log.close()
    assert read_metrics(folder)["batch_loss"].values.tolist() == [1.0, 2.0, 3.0, 4.0, -1.0]
    assert lines_with(folder, "batch_loss") == 5


def test_torn_last_line_is_ignored_and_later_lines_survive(folder):
    append_metrics(folder, [(1, {"batch_loss": 1.0}, 0)])
    with folder.metrics.open("a") as file:
        file.write('{"step": 2, "time": 0, "val')
    assert read_metrics(folder)["batch_loss"].steps.tolist() == [1]
    append_metrics(folder, [(3, {"batch_loss": 3.0}, 0)])
    assert read_metrics(folder)["batch_loss"].steps.tolist() == [1, 3]


def test_later_reads_see_what_was_appended_or_replaced(folder):
    append_metrics(folder, [(1, {"batch_loss": 1.0}, 0)])
    assert sorted(read_metrics(folder)) == ["batch_loss"]
    append_metrics(folder, [(2, {"batch_loss": 2.0, "accuracy": 0.5}, 0)])
    assert read_metrics(folder)["batch_loss"].steps.tolist() == [1, 2]
    assert read_metrics(folder)["accuracy"].steps.tolist() == [2]
    folder.metrics.unlink()
    assert read_metrics(folder) == {}
    append_metrics(folder, [(7, {"batch_loss": 7.0}, 0)])
    assert read_metrics(folder)["batch_loss"].steps.tolist() == [7]


def test_five_curves_of_2000_points_are_read_well_under_100_ms(folder):
    names = ("batch_loss", "learning_rate", "elapsed_s", "train_loss", "validation_loss")
    append_metrics(folder, [(step, {name: step / 3}, 0) for name in names for step in range(2000)])
    read_metrics(folder)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        curves = read_metrics(folder)
        times.append(time.perf_counter() - begin)
    assert sum(len(curve.steps) for curve in curves.values()) == 10_000
    assert min(times) < 0.1, times


def test_concurrent_updates_of_the_state_lose_no_field_and_readers_get_complete_files(folder):
    done = threading.Event()
    states = []

    def watch():
        while not done.is_set():
            states.append(lifecycle.read_state(folder).get("state"))

    def update(name):
        for number in range(50):
            lifecycle.update_state(folder, **{f"{name}{number}": number})

    watcher = threading.Thread(target=watch)
    writers = [threading.Thread(target=update, args=(name,)) for name in "abc"]
    for thread in (watcher, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join()
    state = lifecycle.read_state(folder)
    assert set(states) == {"queued"} and all(f"{name}{number}" in state for name in "abc" for number in range(50))


def test_unreadable_state_file_is_named_and_hides_no_other_run(folder, config):
    other = runs.create(config)
    folder.state.write_text('{"state": "que')
    with pytest.raises(RunError, match=r"state\.json cannot be read"):
        _ = runs.open_run(folder.run_id).record
    assert [record.run_id for record in runs.list_runs()] == [other.run_id]


def test_field_of_a_newer_version_is_ignored(folder):
    lifecycle.update_state(folder, mood="good")
    assert runs.open_run(folder.run_id).record.state == "queued"


def test_folder_without_a_state_is_no_run(folder):
    write_json(of_run("f" * 32).path.parent / "half.json", {})
    of_run("f" * 32).path.mkdir()
    assert [record.run_id for record in runs.list_runs()] == [folder.run_id]
    with pytest.raises(RunError, match="no run"):
        runs.open_run("f" * 32)


def test_newest_sorts_filters_and_limits(home, config):
    ids = [runs.create(config).run_id for _ in range(3)]
    assert [record.run_id for record in runs.list_runs("anomaly", limit=2)] == ids[:0:-1]
    assert [match.run_id for match in local_store.find(ids[1][:12])] == [ids[1]]
    assert runs.list_runs("fashion") == []


def test_reading_creates_nothing_and_imports_nothing_heavy(home):
    code = (
        "import sys; from dlcore import runs; assert runs.list_runs() == []; runs.references();"
        "print([name for name in ('mlflow', 'sqlalchemy', 'submitit', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert not home.exists()


def test_home_below_a_file_is_rejected_in_one_line(home, monkeypatch, config):
    home.write_text("a file")
    monkeypatch.setenv("DLCORE_HOME", str(home / "below"))
    with pytest.raises(StoreError, match="DLCORE_HOME") as caught:
        runs.create(config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_file_system_without_locks_is_rejected_in_one_line(home, monkeypatch, config, number):
    def fail(self):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(filelock.FileLock, "_acquire", fail)
    with pytest.raises(StoreError, match="no working file locks: set DLCORE_HOME") as caught:
        runs.create(config)
    assert "\n" not in str(caught.value) and caught.value.reason == "code"
    assert list((home / "runs").iterdir()) == []


def test_lock_is_exclusive_and_released(tmp_path):
    lock = locks.try_lock(tmp_path / "lock")
    assert lock is not None and locks.try_lock(tmp_path / "lock") is None
    with pytest.raises(LockedError, match="locked by another program"), locks.hold(tmp_path / "lock", timeout=0.05):
        pass
    lock.release()
    with locks.hold(tmp_path / "lock", timeout=0.05):
        pass


WITHOUT_FCNTL = """
import sys, warnings
from pathlib import Path
sys.modules["fcntl"] = None  # as on Windows
warnings.simplefilter("ignore")
from dlcore import projects, runs
from dlcore.core.errors import RunError
runs.list_runs(), runs.references()
config = projects.configure("anomaly", model="dense_32", preset="quick", settings={"epochs": 1}, device="cpu")
trained = runs.train_here(config, Path(sys.argv[1]))
imported = runs.import_run(Path(sys.argv[1]))
assert runs.open_run(imported.run_id).bundle.load()
try:
    runs.start(runs.create(config).run_id)
except RunError as error:
    print(trained.state, imported.state, str(error).splitlines())
"""


def test_without_fcntl_everything_but_background_workers_works(home, tmp_path):
    command = [sys.executable, "-c", WITHOUT_FCNTL, str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("finished finished ['background workers need Linux or macOS")


def test_deleted_run_is_gone(folder):
    append_metrics(folder, [(1, {"batch_loss": 1.0}, 0)])
    runs.delete_run(folder.run_id)
    assert local_store.find(folder.run_id) == [] and read_metrics(folder) == {} and not folder.path.exists()
