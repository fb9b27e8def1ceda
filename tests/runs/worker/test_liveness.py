import os
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from dlcore.runs.folder import RunFolder, write_json
from dlcore.runs.worker import liveness


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def sign(folder, **changes):
    liveness.sign_in(folder, "token")
    write_json(folder.worker, asdict(replace(liveness.read(folder), **changes)))


def test_this_process_is_alive(folder):
    sign(folder)
    assert liveness.is_alive(folder)


def test_folder_without_worker_file(folder):
    assert liveness.read(folder) is None and not liveness.is_alive(folder)


def test_recycled_pid_is_not_alive(folder):
    sign(folder)
    started = liveness.read(folder).started
    sign(folder, started=started - 5.0)  # the pid lives, but began at another time
    assert not liveness.is_alive(folder)


def test_dead_process_is_not_alive_even_as_a_zombie(folder):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    sign(folder, pid=child.pid, started=liveness._started(child.pid))
    assert liveness.is_alive(folder)
    child.kill()
    deadline = time.monotonic() + 5
    while liveness.is_alive(folder) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not liveness.is_alive(folder)  # not waited for yet: a zombie
    child.wait()
    assert not liveness.is_alive(folder)


def test_on_another_machine_the_heartbeat_decides(folder):
    sign(folder, host="elsewhere", pid=1)
    assert liveness.is_alive(folder)
    old = time.time() - liveness.STALE_SECONDS - 1
    os.utime(folder.heartbeat, (old, old))
    assert not liveness.is_alive(folder)


def test_a_launched_worker_gets_time_to_sign_in(folder):
    write_json(folder.worker, asdict(liveness.WorkerInfo(token="t", launched=time.time())))
    assert liveness.is_alive(folder)
    write_json(
        folder.worker, asdict(liveness.WorkerInfo(token="t", launched=time.time() - liveness.LAUNCH_SECONDS - 1))
    )
    assert not liveness.is_alive(folder)


def test_torn_file_counts_as_no_worker(folder):
    folder.worker.write_text('{"token": "t", "laun')
    assert liveness.read(folder) is None
