"""Jobs of a Slurm cluster as its commands report them: `squeue`, and `sacct` for jobs that it has forgotten."""

import contextlib
import functools
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

CACHE_SECONDS = 2.0
"""All runs share one call of `squeue` within this time."""
FAILURE_SECONDS = 15.0
"""Slurm is not called_at again within this time after it did not answer."""
TIMEOUT_SECONDS = 5.0

WAITING = frozenset(
    [
        "PENDING",
        "REQUEUED",
        "REQUEUE_HOLD",
        "REQUEUE_FED",
        "SPECIAL_EXIT",
        "CONFIGURING",
        "SUSPENDED",
        "STOPPED",
        "RESV_DEL_HOLD",
    ]
)
RUNNING = frozenset(["RUNNING", "SIGNALING", "RESIZING", "STAGE_OUT"])
COMPLETING = "COMPLETING"
_ENDS = {
    "CANCELLED": "was cancelled",
    "TIMEOUT": "reached its time limit",
    "DEADLINE": "reached its deadline",
    "PREEMPTED": "was preempted",
    "NODE_FAIL": "lost its node",
    "BOOT_FAIL": "lost its node",
    "OUT_OF_MEMORY": "ran out of memory",
    "FAILED": "failed",
    "COMPLETED": "ended",
}


class UnreachableError(Exception):
    """The commands of Slurm are missing, or its controller does not answer."""


@dataclass(frozen=True)
class ClusterJob:
    """A job: its state in Slurm's words, start in seconds since the epoch (0 before it), and why it waits."""

    job_id: str
    state: str
    started: float = 0.0
    reason: str = ""
    partition: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is in the queue, for the first time or again, or suspended."""
        return self.state in WAITING

    @property
    def description(self) -> str:
        """Why it waits, or how it ended."""
        if self.waits:
            verb = "is suspended" if self.state in ("SUSPENDED", "STOPPED") else f"waits in partition {self.partition}"
            detail = f" ({self.reason})" if self.reason not in ("", "None") else ""
            return f"Slurm job {self.job_id} {verb}{detail}"
        return f"Slurm job {self.job_id} {_ENDS.get(self.state, 'ended')} ({self.state})"


def find(job_id: str, *, max_age: float = CACHE_SECONDS) -> ClusterJob | None:
    """Return a job of this user; None if Slurm does not know it, or no longer. Not older than `max_age` seconds.

    Raises:
        UnreachableError: Slurm does not answer.
    """
    return _jobs.get(max_age).get(job_id) or _from_accounting(job_id)


def cancel(job_id: str) -> None:
    """Cancel a job; one that has ended, or a cluster that does not answer, is no error."""
    with contextlib.suppress(UnreachableError):
        _command("scancel", job_id)
    _jobs.forget()


def requeue(job_id: str) -> None:
    """Put a running batch job back into the queue; its processes are ended.

    Raises:
        UnreachableError: Slurm does not answer, or refuses.
    """
    _command("scontrol", "requeue", job_id)


def current_job() -> str:
    """Return the id of the job that this process belongs to; empty outside of a cluster."""
    return os.environ.get("SLURM_JOB_ID", "") if os.environ.get("SUBMITIT_EXECUTOR") == "slurm" else ""


class _Queue:
    """The last answer of `squeue`, shared by all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.called_at = float("-inf")
        self.jobs: Mapping[str, ClusterJob] | None = {}

    def get(self, max_age: float) -> Mapping[str, ClusterJob]:
        with self.lock:
            if time.monotonic() - self.called_at > (FAILURE_SECONDS if self.jobs is None else max_age):
                try:
                    self.jobs = _parse(_command("squeue", "--me", "-h", "-t", "all", "-o", "%A|%T|%S|%r|%P"))
                except UnreachableError:
                    self.jobs = None
                self.called_at = time.monotonic()
            if self.jobs is None:
                raise UnreachableError("squeue does not answer")
            return self.jobs

    def forget(self) -> None:
        with self.lock:
            self.called_at, self.jobs = float("-inf"), {}


_jobs = _Queue()


def _parse(text: str) -> dict[str, ClusterJob]:
    jobs = {}
    for line in text.splitlines():
        job_id, state, started, reason, partition = (line.strip().split("|") + [""] * 5)[:5]
        jobs[job_id] = ClusterJob(job_id, state, float(started) if started.isdigit() else 0.0, reason, partition)
    return jobs


def _from_accounting(job_id: str) -> ClusterJob | None:
    """A job that ended some minutes ago; None without accounting."""
    state = _ended(job_id, int(time.monotonic() // 60))
    return ClusterJob(job_id, state) if state else None


@functools.lru_cache(maxsize=4096)
def _ended(job_id: str, _minute: int) -> str:
    try:
        lines = _command("sacct", "-n", "-X", "-P", "-o", "State", "-j", job_id).split("\n")
    except UnreachableError:
        return ""
    return lines[-2].split()[0] if len(lines) > 1 else ""  # "CANCELLED by 1000"


def _command(*words: str) -> str:
    environ = {**os.environ, "SLURM_TIME_FORMAT": "%s"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, env=environ)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(str(error)) from error
    if done.returncode:
        raise UnreachableError(done.stderr.strip() or f"{words[0]}: exit status {done.returncode}")
    return done.stdout
