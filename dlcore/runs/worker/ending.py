"""How a worker records its end. A job that Slurm takes away goes back to the queue of the cluster by itself."""

import contextlib
from collections.abc import Sequence

import dlcore.runs.locks as locks
from dlcore.runs.folder import RunFolder
from dlcore.runs.lifecycle import read_state, write_state
from dlcore.runs.record import State
from dlcore.runs.worker import slurm

TIME_LIMIT = "SIGUSR2"
"""Slurm's warning before the time limit of a job."""


def write_end(folder: RunFolder, state: State, reason: str, *, signals: Sequence[str], begun_at: int = -1) -> str:
    """Write the state at the end of a worker, which received `signals`; return it with its reason in one line.

    `begun_at` is the step at which the worker began: a job whose time limit is too short for one is not repeated.
    """
    command = folder.read_command()
    if state == "paused" and signals and command in (None, "conclude"):
        if job_id := slurm.current_job():
            is_stuck = signals[0] == TIME_LIMIT and read_state(folder).get("step", 0) <= begun_at
            return _give_back(folder, job_id, signals[0], is_stuck=is_stuck)
        reason = f"stopped by the system ({signals[0]}): resume it when the machine is back"
    folder.request.unlink(missing_ok=True)
    return _write(folder, state, reason)


def _give_back(folder: RunFolder, job_id: str, signal: str, *, is_stuck: bool) -> str:
    """Requeue the job unless Slurm does; one that a person cancelled is already ending, and readers ask Slurm why."""
    job = None
    with contextlib.suppress(slurm.UnreachableError):
        job = slurm.find(job_id, max_age=0.0)
    runs_on = job is not None and job.state in slurm.RUNNING
    if is_stuck and runs_on:
        return _write(folder, "paused", "the time limit is too short for one step: raise DLCORE_SLURM_MINUTES")
    line = _write(folder, "queued", f"stopped by Slurm ({signal})")
    if runs_on:
        try:
            slurm.requeue(job_id)
        except slurm.UnreachableError as error:
            return _write(folder, "paused", f"stopped by Slurm ({signal}), which refused to requeue it: {error}")
    return line


def _write(folder: RunFolder, state: State, reason: str) -> str:
    locks.wait_while_locked(lambda: write_state(folder, state, reason))
    return f"{state}{': ' if reason else ''}{reason}"
