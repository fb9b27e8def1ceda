"""The processes of a data-parallel run: how they find each other, and how each notices that another one died.

The first process (rank 0) alone writes the run's folder. The others leave one small file each, which says who they are,
whether they live, and how they ended.
"""

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import cast

from dlcore.core.repeat import repeating
from dlcore.runs.folder import RunFolder, read_json, write_atomic, write_json
from dlcore.runs.record import State
from dlcore.runs.worker import liveness
from dlcore.runs.worker.liveness import WorkerInfo

JOIN_SECONDS = 60.0
"""Every process must have started within this time of the first one."""
WATCH_SECONDS = 0.5
GRACE_SECONDS = 4.0
"""How long a process may take to end by itself after another one died."""
LOOPBACK = "127.0.0.1"

Ending = tuple[State, str]


def announce(folder: RunFolder, token: str, worker: WorkerInfo) -> None:
    """Let the other processes start: write the address at which this one, the first, waits for them."""
    for old in [*folder.path.glob("begun-*"), *folder.path.glob("process-*")]:
        if _launch_name(token) not in old.name:
            old.unlink(missing_ok=True)
    host = LOOPBACK if worker.nodes == 1 else os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    with socket.socket() as listener:
        listener.bind(("", 0))
        port = listener.getsockname()[1]
    write_atomic(_meeting_point(folder, token), f"{host}:{port}".encode())


def has_begun(folder: RunFolder, token: str) -> bool:
    """Whether the first process of this launch works."""
    return _meeting_point(folder, token).exists()


def retract(folder: RunFolder, token: str) -> None:
    """Remove what `announce` wrote."""
    _meeting_point(folder, token).unlink(missing_ok=True)


def join(folder: RunFolder, worker: WorkerInfo, rank: int) -> None:
    """Set the environment variables by which torch.distributed finds the other processes."""
    host, _, port = _meeting_point(folder, worker.token).read_text(encoding="utf-8").partition(":")
    local_rank = rank % worker.devices
    os.environ |= {
        "MASTER_ADDR": host,
        "MASTER_PORT": port,
        "RANK": str(rank),
        "LOCAL_RANK": str(local_rank),
        "NODE_RANK": str(rank // worker.devices),
        "WORLD_SIZE": str(worker.processes),
        "LOCAL_WORLD_SIZE": str(worker.devices),
    }
    if host == LOOPBACK and sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")


@contextlib.contextmanager
def sign_in(folder: RunFolder, token: str, rank: int) -> Iterator[Callable[[State, str], None]]:
    """Be process `rank` inside the block; exit at once if the first process dies. Yields a function that records how
    this process ended, if that was by an error."""
    path = _file(folder, token, rank)
    me = {**asdict(liveness.this_worker(token)), "ending": None}
    write_json(path, me)

    def end(state: State, reason: str) -> None:
        write_json(path, {**me, "ending": [state, reason]})

    def beat() -> None:
        with contextlib.suppress(OSError):
            os.utime(path)
        worker = liveness.read(folder)
        if worker is None or worker.token != token or not liveness.is_alive(folder):
            os._exit(1)

    with repeating(beat, seconds=WATCH_SECONDS, name="peers"):
        yield end
    if read_json(path).get("ending") is None:
        end("finished", "")


@contextlib.contextmanager
def watch(folder: RunFolder, token: str, processes: int, on_death: Callable[[State, str], None]) -> Iterator[None]:
    """In the first process: if another one dies and this one does not end by itself soon, call `on_death` and exit."""
    begun, died = time.monotonic(), 0.0

    def look() -> None:
        nonlocal died
        ending = _first_ending(folder, token, processes, may_be_missing=time.monotonic() - begun < JOIN_SECONDS)
        if ending is None:
            return
        died = died or time.monotonic()
        if time.monotonic() - died > GRACE_SECONDS:
            on_death(*ending)
            os._exit(1)

    if processes == 1:
        yield
        return
    with repeating(look, seconds=WATCH_SECONDS, name="peers"):
        yield


def why_ended(folder: RunFolder, token: str, processes: int, *, timeout: float = GRACE_SECONDS - 1) -> Ending | None:
    """How another process ended, if one did: an error of this process is then only a lost connection."""
    deadline = time.monotonic() + timeout
    while processes > 1 and time.monotonic() < deadline:
        if ending := _first_ending(folder, token, processes, may_be_missing=True):
            return ending
        time.sleep(0.1)
    return None


def _first_ending(folder: RunFolder, token: str, processes: int, *, may_be_missing: bool) -> Ending | None:
    """How the first of the other processes ended that did not finish."""
    lost = None
    for rank in range(1, processes):
        path = _file(folder, token, rank)
        stored = read_json(path)
        name = f"process {rank + 1} of {processes}"
        if not stored:
            lost = lost or (None if may_be_missing else f"{name} did not start")
            continue
        if ending := stored.pop("ending"):
            if ending[0] != "finished":
                return cast(State, ending[0]), str(ending[1])
        elif not liveness.lives(WorkerInfo(**stored), path):
            lost = lost or f"{name} (pid {stored['pid']} on {stored['host'].partition('/')[0]}) died"
    return ("interrupted", f"{lost}: resume from the last checkpoint") if lost else None


def _meeting_point(folder: RunFolder, token: str) -> Path:
    return folder.path / f"begun-{_launch_name(token)}"


def _file(folder: RunFolder, token: str, rank: int) -> Path:
    return folder.path / f"process-{rank}-{_launch_name(token)}.json"


def _launch_name(token: str) -> str:
    """Name of this start of the processes: a job that Slurm requeues has the same token."""
    return f"{token}-{os.environ.get('SLURM_RESTART_COUNT', '0')}"
