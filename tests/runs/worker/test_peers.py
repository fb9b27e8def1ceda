"""How the first process of a data-parallel run learns what became of the others."""

import os
import time
from dataclasses import asdict

import pytest

from dlcore.runs.folder import RunFolder, write_json
from dlcore.runs.worker import liveness, peers


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def sign(folder, rank, *, ending=None, **changes):
    path = peers._file(folder, "token", rank)
    write_json(path, {**asdict(liveness.this_worker("token")), **changes, "ending": ending})
    return path


def test_living_and_finished_processes_end_nothing(folder):
    sign(folder, 1)
    sign(folder, 2, ending=["finished", ""], pid=2**22 - 3)
    assert peers.why_ended(folder, "token", 3, timeout=0.2) is None


def test_a_dead_process_interrupts_the_run(folder):
    sign(folder, 1, pid=2**22 - 3)
    state, reason = peers.why_ended(folder, "token", 2)
    assert state == "interrupted" and reason.startswith("process 2 of 2 (pid 4194301 on ")


def test_the_error_of_a_process_comes_before_the_death_of_another(folder):
    sign(folder, 1, pid=2**22 - 3)
    sign(folder, 2, ending=["failed", "not finite: step 3"], pid=2**22 - 3)
    assert peers.why_ended(folder, "token", 3) == ("failed", "not finite: step 3")


def test_the_heartbeat_decides_on_another_machine(folder):
    path = sign(folder, 1, host="elsewhere/boot", pid=1)
    assert peers.why_ended(folder, "token", 2, timeout=0.2) is None
    os.utime(path, (0, time.time() - 2 * liveness.STALE_SECONDS))
    state, reason = peers.why_ended(folder, "token", 2)
    assert state == "interrupted" and "on elsewhere" in reason


def test_processes_meet_at_the_address_of_the_first(folder, monkeypatch):
    worker = liveness.WorkerInfo("token", time.time(), devices=2, nodes=2)
    monkeypatch.setenv("SLURMD_NODENAME", "node7")
    sign(folder, 1)
    peers._file(folder, "earlier", 1).touch()
    peers.announce(folder, "token", worker)
    assert peers.has_begun(folder, "token") and not peers._file(folder, "earlier", 1).exists()
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "")
    peers.join(folder, worker, 3)
    assert [os.environ[name] for name in ("MASTER_ADDR", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE")] == [
        "node7",
        "1",
        "1",
        "4",
    ]
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")  # Slurm put the job back into its queue
    assert not peers.has_begun(folder, "token")
