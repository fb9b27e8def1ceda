"""States of runs by what `squeue` and `sacct` print; tests/services has a real cluster."""

import os
import time
from dataclasses import asdict

import pytest

from dlcore.runs import lifecycle
from dlcore.runs.folder import RunFolder, write_json
from dlcore.runs.worker import liveness, slurm


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Return a function that makes a command of Slurm print a text, or fail."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "_jobs", slurm._Queue())
    slurm._ended.cache_clear()

    def write(name, text="", status=0):
        text = text() if callable(text) else text
        (folder / name).write_text(f"#!/bin/sh\necho {name} $* >> {folder}/calls\nprintf '{text}'\nexit {status}\n")
        (folder / name).chmod(0o755)
        slurm._jobs.forget()

    write.calls = folder / "calls"
    write("squeue")
    write("sacct", status=1)
    return write


@pytest.fixture
def run(tmp_path):
    """A run whose job 7 was submitted, on another machine; `signed_in` sets the age of its heartbeat."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()

    def make(state, *, signed_in=None):
        pid = 0 if signed_in is None else 4
        worker = liveness.WorkerInfo("t", time.time() - 500, pid=pid, host="elsewhere", executor="slurm")
        write_json(folder.worker, asdict(worker))
        write_json(folder.job, {"job_id": "7", "token": "t"})
        lifecycle.write_state(folder, state)
        if signed_in is not None:
            folder.heartbeat.touch()
            os.utime(folder.heartbeat, (time.time() - signed_in,) * 2)
        return folder

    return make


def line(state, age=None, reason="None"):
    """A job that started `age` seconds ago; it is written when the test runs."""
    return lambda: f"7|{state}|{'N/A' if age is None else int(time.time() - age)}|{reason}|gpu\\n"


@pytest.mark.parametrize(
    ("stored", "signed_in", "job", "state", "words"),
    [
        ("queued", None, line("PENDING", reason="Resources"), "queued", "job 7 waits in partition gpu (Resources)"),
        ("queued", None, line("RUNNING", 0), "queued", "starting the worker"),
        ("running", 1, "", "running", ""),  # a heartbeat is enough
        ("running", 100, line("PENDING", reason="BeginTime"), "queued", "(BeginTime)"),  # requeued
        ("running", 100, line("SUSPENDED", 300), "queued", "is suspended"),
        ("running", 100, line("RUNNING", 5), "queued", "starting the worker"),  # requeued, begins again
        ("running", 100, line("RUNNING", 300), "interrupted", "process 4 died"),
        ("running", 100, line("TIMEOUT", 300), "interrupted", "reached its time limit (TIMEOUT)"),
        ("queued", None, line("CANCELLED"), "interrupted", "was cancelled (CANCELLED)"),
        ("running", 100, "8|RUNNING|N/A|None|gpu\\n", "interrupted", "process 4 died"),  # forgotten
    ],
)
def test_states_follow_heartbeat_and_queue(commands, run, stored, signed_in, job, state, words):
    commands("squeue", job)
    live = lifecycle.live_state(run(stored, signed_in=signed_in))
    assert live.state == state and words in live.reason, live
    assert (live.pid is None) == (state != "running")


def test_accounting_tells_the_end_of_a_forgotten_job(commands, run):
    commands("sacct", "CANCELLED by 1000\\n")
    live = lifecycle.live_state(run("running", signed_in=100))
    assert (live.state, "was cancelled" in live.reason) == ("interrupted", True)


def test_a_silent_controller_leaves_the_decision_to_the_heartbeat(commands, run):
    commands("squeue", status=1)
    assert lifecycle.live_state(run("queued")).state == "queued"
    assert lifecycle.live_state(run("running", signed_in=1)).state == "running"
    assert lifecycle.live_state(run("running", signed_in=100)).state == "interrupted"


def test_many_readers_share_one_question(commands, run):
    commands("squeue", line("PENDING"))
    folder = run("queued")
    assert {lifecycle.live_state(folder).state for _ in range(50)} == {"queued"}
    assert commands.calls.read_text().count("squeue") == 1


def test_a_pause_in_the_queue_cancels_the_job(commands, run):
    commands("squeue", line("PENDING"))
    commands("scancel")
    folder = run("queued")
    lifecycle.request(folder, "pause")
    assert lifecycle.live_state(folder).state == "paused" and not folder.job.exists()
    assert "scancel 7" in commands.calls.read_text()
