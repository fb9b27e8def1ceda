"""One running job per device; the others wait, first come first served.

`join` writes a ticket to `$DLCORE_HOME/queue/<device>/`, named by the time. A worker proceeds when every earlier ticket
belongs to a dead worker, and then takes a lock that the kernel releases however the worker ends.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dlcore.runs.locks as locks
from dlcore.core import settings
from dlcore.runs.folder import of_run, translate_errors
from dlcore.runs.worker import liveness

POLL_SECONDS = 0.25


class WithdrawnError(Exception):
    """The run no longer waits: it was paused, stopped or launched again."""


def join(run_id: str, device: str, *, devices: int = 1) -> None:
    """Take a ticket for every device of the run."""
    leave(run_id)
    now = time.time_ns()
    for name in _names(device, devices):
        place = _place(name)
        with translate_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{now:020d}-{run_id}").touch()


def leave(run_id: str) -> None:
    """Remove the tickets of the run."""
    for ticket in (settings.home() / "queue").glob(f"*/*-{run_id}"):
        with contextlib.suppress(OSError):
            ticket.unlink()


def runs_ahead(run_id: str, device: str) -> list[str]:
    """Ids of the live runs before this one in the queue of the device, the running one first."""
    before = []
    for ticket in _tickets(_place(device)):
        if _owner(ticket) == run_id:
            break
        if liveness.is_alive(of_run(_owner(ticket))):
            before.append(_owner(ticket))
    return before


@contextlib.contextmanager
def wait_turn(run_id: str, device: str, *, devices: int = 1, keep_waiting: Callable[[], bool]) -> Iterator[None]:
    """Wait for the device, hold it inside the block, remove the ticket afterwards.

    Raises:
        WithdrawnError: `keep_waiting` returned False.
    """
    try:
        with contextlib.ExitStack() as stack:
            for name in _names(device, devices):
                stack.enter_context(_hold(run_id, _place(name), keep_waiting))
            yield
    finally:
        leave(run_id)


@contextlib.contextmanager
def _hold(run_id: str, place: Path, keep_waiting: Callable[[], bool]) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    while not _is_first(run_id, place) or (lock := locks.try_lock(place / "lock")) is None:
        if not keep_waiting():
            raise WithdrawnError
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _is_first(run_id: str, place: Path) -> bool:
    """Whether no ticket of a live run comes before; removes the tickets of dead ones."""
    for ticket in _tickets(place):
        if _owner(ticket) == run_id:
            return True
        if liveness.is_alive(of_run(_owner(ticket))):
            return False
        with contextlib.suppress(OSError):
            ticket.unlink()
    return True


def _tickets(place: Path) -> list[Path]:
    return sorted(place.glob("*-*")) if place.is_dir() else []


def _owner(ticket: Path) -> str:
    return ticket.name.partition("-")[2]


def _place(device: str) -> Path:
    """The queue folder of a device of this machine (a home on a shared disk serves several machines)."""
    return settings.home() / "queue" / f"{device.replace(':', '-')}@{socket.gethostname()}"


def _names(device: str, devices: int) -> list[str]:
    """The devices of a run, always in the same order, so that no two runs wait for each other."""
    if device.startswith("cuda") and devices > 1:
        return [f"cuda:{number}" for number in range(devices)]
    return [device]
