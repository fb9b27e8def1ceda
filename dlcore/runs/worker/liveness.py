"""Whether the worker of a run or search is alive. A file alone never decides: the process does.

On the worker's machine the process is identified by its pid *and* its start time, so that a recycled pid does not
count. Elsewhere (another machine, another container on the same disk) the age of the heartbeat file decides. A worker
on a cluster without a heartbeat is looked up in the queue of the cluster.
"""

import functools
import os
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psutil

from dlcore.core.errors import one_line
from dlcore.runs.folder import RunFolder, read_json, write_json
from dlcore.runs.record import STARTING
from dlcore.runs.worker import slurm

STALE_SECONDS = 8.0
"""A heartbeat older than this belongs to a dead worker (it is touched every second)."""
LAUNCH_SECONDS = 30.0
"""A launched worker must sign in within this time."""
SAME_START = 0.05
"""Start times closer than this, in seconds, belong to one process (the kernel counts in hundredths)."""


@dataclass(frozen=True)
class WorkerInfo:
    """Who works on a run. `token` names the launch; `pid` is 0 until the worker signs in."""

    token: str
    launched: float
    pid: int = 0
    started: float = 0.0
    host: str = ""
    executor: str = "local"
    device: str = ""
    devices: int = 1
    nodes: int = 1

    @property
    def processes(self) -> int:
        """Number of processes on all machines."""
        return self.devices * self.nodes


def sign_in(folder: RunFolder, token: str) -> WorkerInfo:
    """Record this process as the worker."""
    worker = replace(
        read(folder) or WorkerInfo(token, launched=time.time()),
        token=token,
        pid=os.getpid(),
        started=_started(os.getpid()) or 0.0,
        host=this_host(),
    )
    write_json(folder.worker, asdict(worker))
    folder.heartbeat.touch()
    return worker


def this_worker(token: str) -> WorkerInfo:
    """This process."""
    return WorkerInfo(token, time.time(), os.getpid(), _started(os.getpid()) or 0.0, this_host())


def read(folder: RunFolder) -> WorkerInfo | None:
    """The current or last worker; None if there never was one."""
    known = read_json(folder.worker)
    try:
        return WorkerInfo(**known)
    except TypeError:
        return None


def is_alive(folder: RunFolder) -> bool:
    """Whether the worker lives, or was launched so recently that it may still be starting."""
    worker = read(folder)
    if worker is None:
        return False
    if worker.executor == "slurm":
        return cluster_status(folder, worker).is_alive
    if not worker.pid:
        return time.time() - worker.launched < LAUNCH_SECONDS
    return lives(worker, folder.heartbeat)


@dataclass(frozen=True)
class ClusterStatus:
    """A worker on a cluster: `reason` says why it waits, or how its job ended; empty while it works."""

    is_alive: bool
    reason: str = ""
    waits: bool = False


def cluster_status(folder: RunFolder, worker: WorkerInfo) -> ClusterStatus:
    """Whether the job of a worker waits, works or has ended; a fresh heartbeat needs no question to the cluster."""
    if worker.pid and lives(worker, folder.heartbeat):
        return ClusterStatus(True)
    job_id = _job_id(folder, worker.token)
    if not job_id:
        is_new = time.time() - worker.launched < 2 * LAUNCH_SECONDS
        return ClusterStatus(is_new, STARTING if is_new else "no job was submitted", waits=True)
    try:
        job = slurm.find(job_id) or slurm.find(job_id, max_age=0.5)  # submitted a moment ago
    except slurm.UnreachableError as error:
        return ClusterStatus(not worker.pid, f"Slurm does not answer: {one_line(error)}", waits=True)
    if job is None:
        return ClusterStatus(False)
    if job.waits:
        return ClusterStatus(True, job.description, waits=True)
    if job.state == slurm.COMPLETING:
        has_left = not folder.heartbeat.exists()  # Slurm will say whether it goes back to the queue
        is_alive = has_left or _age(folder.heartbeat) < LAUNCH_SECONDS
        return ClusterStatus(is_alive, f"Slurm job {job_id} is ending", waits=has_left)
    has_signed_in = time.time() - _age(folder.heartbeat) > job.started
    if job.state in slurm.RUNNING and not has_signed_in:
        is_new = time.time() - job.started < 2 * LAUNCH_SECONDS
        return ClusterStatus(is_new, STARTING if is_new else f"Slurm job {job_id} began no training", waits=True)
    return ClusterStatus(False, "" if job.state in slurm.RUNNING else job.description)


def cancel_job(folder: RunFolder) -> None:
    """Cancel the last job of the folder on the cluster, if there is one."""
    if job_id := read_json(folder.job).get("job_id"):
        slurm.cancel(str(job_id))
        folder.job.unlink(missing_ok=True)


def _job_id(folder: RunFolder, token: str) -> str:
    job = read_json(folder.job)
    return str(job.get("job_id", "")) if job.get("token") == token else ""


def lives(worker: WorkerInfo, heartbeat: Path) -> bool:
    """Whether a process that signed in lives; on another machine its heartbeat file decides."""
    if worker.host == this_host():
        return _same_process(worker)
    return _age(heartbeat) < STALE_SECONDS


@functools.cache
def this_host() -> str:
    """Name of this machine, its boot and its process namespace."""
    parts = [socket.gethostname()]
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists():
        parts += [boot.read_text().strip(), str(space.readlink())]
    return "/".join(parts)


def _same_process(worker: WorkerInfo) -> bool:
    for _ in range(2):  # setting the clock between the two readings of a start time changes it once
        started = _started(worker.pid)
        if started is not None and abs(started - worker.started) < SAME_START:
            return True
    return False


def _started(pid: int) -> float | None:
    """Seconds from boot to the start of the process, independent of the clock; None if it is dead."""
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.Error:
        return None


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")
