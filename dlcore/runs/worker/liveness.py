"""Whether a run's worker is alive. The store's word is never enough: the process itself decides.

On the worker's own machine the process decides, known by its pid *and* the moment it started, so a recycled pid fools
nobody. Elsewhere (another machine, another container on the same disk) the age of the heartbeat file decides.
"""

import functools
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from dlcore.runs.folder import RunFolder, read_json, write_json

STALE_SECONDS = 8.0
"""A heartbeat older than this belongs to a dead worker (it is touched every second)."""
LAUNCH_SECONDS = 30.0
"""So long a launched worker may take before it signs in."""
SAME_START = 0.05
"""Two starts of a process closer than this, in seconds, are the same one (the kernel counts in hundredths)."""


@dataclass(frozen=True)
class WorkerInfo:
    """Who works on a run. `token` names the launch; `pid` is 0 between the launch and the worker's signing in."""

    token: str
    launched: float
    pid: int = 0
    started: float = 0.0
    host: str = ""
    executor: str = "local"


def sign_in(folder: RunFolder, token: str) -> WorkerInfo:
    """Write down that this very process is the run's worker."""
    before = read(folder)
    worker = WorkerInfo(
        token=token,
        launched=before.launched if before else time.time(),
        pid=os.getpid(),
        started=_started(os.getpid()) or 0.0,
        host=this_host(),
        executor=before.executor if before else "local",
    )
    write_json(folder.worker, asdict(worker))
    folder.heartbeat.touch()
    return worker


def read(folder: RunFolder) -> WorkerInfo | None:
    """Who works on the run, or worked on it last; None where nobody ever did."""
    known = read_json(folder.worker)
    try:
        return WorkerInfo(**known)
    except TypeError:
        return None


def is_alive(folder: RunFolder) -> bool:
    """Whether the run's worker lives, or was launched so lately that it may still be starting."""
    worker = read(folder)
    if worker is None:
        return False
    if not worker.pid:
        return worker.executor != "local" or time.time() - worker.launched < LAUNCH_SECONDS
    if worker.host == this_host():
        return _same_process(worker)
    return _age(folder.heartbeat) < STALE_SECONDS


@functools.cache
def this_host() -> str:
    """This machine since it started, and this container's view of processes."""
    parts = [socket.gethostname()]
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if boot.exists():
        parts += [boot.read_text().strip(), str(space.readlink())]
    return "/".join(parts)


def _same_process(worker: WorkerInfo) -> bool:
    for _ in range(2):  # the clock may be set between the two readings that a start is made of: look twice
        started = _started(worker.pid)
        if started is not None and abs(started - worker.started) < SAME_START:
            return True
    return False


def _started(pid: int) -> float | None:
    """Seconds from the machine's start to the process's, which no setting of the clock changes; None if it is dead."""
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
