"""Another program locks the store for a while: runs go on training and lose nothing."""

import contextlib
import re
import sqlite3
import subprocess
import sys
import time

import pytest

from dlcore import runs
from dlcore.core.errors import LockedError
from dlcore.runs import folder as folders
from dlcore.runs import lifecycle, locks, mlflow_client, mlflow_mirror
from dlcore.runs.folder import RunFolder, of_run
from dlcore.runs.metric_log import FolderMetricLog

pytestmark = [pytest.mark.faults]

HOLDER = """
import sys, time
from filelock import FileLock
held = [FileLock(path) for path in sys.argv[1:]]
for lock in held:
    lock.acquire()
print("held", flush=True)
time.sleep(300)
"""


@contextlib.contextmanager
def locked(*paths):
    """Another process that holds these locks."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *map(str, paths)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def epochs_in_log(run_id):
    numbers = re.findall(r"epoch (\d+) of", runs.open_run(run_id).log_tail(500))
    return int(numbers[-1]) if numbers else 0


def wait_until(condition, timeout=60.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_run_trains_on_while_its_folder_is_locked_and_loses_no_number(launch, until):
    run_id = launch(epochs=3000)
    until(run_id, lambda record: record.epoch >= 1)
    folder = of_run(run_id)
    with locked(folder.write_lock):
        wait_until(lambda: "locked by another program" in runs.open_run(run_id).log_tail(500))
        begin = epochs_in_log(run_id)
        wait_until(lambda: epochs_in_log(run_id) > begin + 3)  # before the lock is released
        stuck = runs.open_run(run_id).record
        assert stuck.state == "running" and stuck.epoch < epochs_in_log(run_id)
    later = until(run_id, lambda record: record.epoch > begin + 3)
    assert later.state == "running"
    log = runs.open_run(run_id).log_tail(500)
    assert "write.lock is locked by another program" in log and "Numbers are kept in memory" in log
    assert log.count("Numbers are kept in memory") == 1 and "all numbers are written" in log
    losses = runs.open_run(run_id).history()["validation_loss"]
    assert (losses.steps[: later.epoch] == [later.steps_per_epoch * (n + 1) for n in range(later.epoch)]).all()
    runs.stop(run_id)
    until(run_id, lambda record: record.state == "stopped")


def test_pause_waits_for_the_lock_and_then_succeeds(launch, until):
    run_id = launch(epochs=3000)
    until(run_id, lambda record: record.epoch >= 1)
    with locked(of_run(run_id).write_lock):
        runs.pause(run_id)
        time.sleep(3.0)
        assert runs.open_run(run_id).record.state == "running"
    until(run_id, lambda record: record.state == "paused")


def test_worker_starts_when_the_lock_of_its_folder_is_released(configure, until):
    run_id = runs.create(configure(epochs=1)).run_id
    folder = of_run(run_id)
    with locked(folder.lock):
        runs.start(run_id)
        wait_until(lambda: "/lock is locked by another program" in runs.open_run(run_id).log_tail())
        assert runs.open_run(run_id).record.state == "queued"
    until(run_id, lambda record: record.state == "finished")


def test_request_on_a_locked_run_names_the_lock_in_one_line(home, configure, monkeypatch):
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0.2)
    folder = of_run(runs.create(configure()).run_id)
    with locked(folder.write_lock), pytest.raises(LockedError, match=r"write\.lock is locked") as raised:
        lifecycle.update_state(folder, timeout=0.2, reason="test")
    assert "\n" not in str(raised.value)


def test_file_that_is_busy_for_a_moment_counts_as_locked(tmp_path, monkeypatch):
    """Network file systems answer EBUSY while another machine has the file open."""
    import errno

    folder = RunFolder(tmp_path)
    log = FolderMetricLog(folder)
    log.log(1, {"batch_loss": 0.5})
    log.update({"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EBUSY, "busy")))
        assert log.try_flush() is False
    assert log.try_flush() is True
    assert lifecycle.read_state(folder)["step"] == 1
    assert log.history()["batch_loss"].values.tolist() == [0.5]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_locked_database_of_the_mirror_gets_the_run_once_it_is_released(home, configure, monkeypatch, caplog, lock):
    pytest.importorskip("mlflow")
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    monkeypatch.setattr(mlflow_mirror, "EVERY_SECONDS", 0.2)
    monkeypatch.setattr(mlflow_client, "ANSWER_SECONDS", 0.5)
    assert mlflow_mirror.mirror_run(of_run(runs.create(configure()).run_id))  # creates the database
    folder = of_run(runs.create(configure()).run_id)
    database = sqlite3.connect(home / "mlflow.db", isolation_level=None)
    database.execute(lock)
    with contextlib.closing(database), mlflow_mirror.mirroring(folder):
        wait_until(lambda: "is locked by another program" in caplog.text)
        assert not (folder.path / "mirror.json").exists()
        lifecycle.write_state(folder, "finished")
        database.execute("ROLLBACK")
    (line,) = [record.getMessage() for record in caplog.records if record.name == mlflow_mirror.__name__]
    assert "mlflow.db, is locked by another program" in line and "\n" not in line
    import mlflow

    remote = mlflow.MlflowClient().get_run(folders.read_json(folder.path / "mirror.json")["remote_id"])
    assert remote.info.status == "FINISHED"
