"""One running job per device; the others wait, first come first served; on a shared server, people take turns.

`join` writes a ticket to `$DLCORE_HOME/queue/<device>/`, named by time and owner. A worker proceeds when every ticket
before its own belongs to a dead worker, and then takes a lock that the kernel releases however the worker ends.
"""

import contextlib
import hashlib
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import dlcore.runs.locks as locks
from dlcore.core import access, settings
from dlcore.runs.folder import of_run, translate_errors
from dlcore.runs.worker import liveness

POLL_SECONDS = 0.25


class WithdrawnError(Exception):
    """The run no longer waits: it was paused, stopped or launched again."""


def join(run_id: str, device: str, *, devices: int = 1, owner: str = "") -> None:
    """Take a ticket for every device of the run; `owner` is the person whose turn it will be."""
    leave(run_id)
    digest = hashlib.sha256(owner.encode()).hexdigest()[:12]
    now = f"{time.time_ns():020d}.{digest}"
    for name in _names(device, devices):
        place = _place(name)
        with translate_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{now}-{run_id}").touch()


def leave(run_id: str) -> None:
    """Remove the tickets of the run."""
    for ticket in (settings.home() / "queue").glob(f"*/*-{run_id}"):
        with contextlib.suppress(OSError):
            ticket.unlink()


def runs_ahead(run_id: str, device: str) -> list[str]:
    """Ids of the live runs before this one in the queue of the device, the running one first."""
    before = []
    for ticket in _tickets(_place(device)):
        if _run_id(ticket) == run_id:
            break
        if liveness.is_alive(of_run(_run_id(ticket))):
            before.append(_run_id(ticket))
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
        _note_turn(run_id)
        yield
    finally:
        lock.release()


def _is_first(run_id: str, place: Path) -> bool:
    """Whether no ticket of a live run comes before; removes the tickets of dead ones."""
    for ticket in _tickets(place):
        if _run_id(ticket) == run_id:
            return True
        if liveness.is_alive(of_run(_run_id(ticket))):
            return False
        with contextlib.suppress(OSError):
            ticket.unlink()
    return True


def _tickets(place: Path) -> list[Path]:
    """The tickets in the order of their turns.

    On a shared server: runs that hold a device, then the first run of every person, those served longest ago first,
    then the second of every person.
    """
    tickets = sorted(place.glob("*-*")) if place.is_dir() else []
    if not access.is_shared():
        return tickets
    rounds: Counter[str] = Counter()
    turns = []
    for ticket in tickets:
        person, has_device = _person(ticket), _size(ticket) > 0
        turns.append(((not has_device, rounds[person], _last_turn(person), ticket.name), ticket))
        rounds[person] += not has_device
    return [ticket for _, ticket in sorted(turns)]


def _note_turn(run_id: str) -> None:
    """Record that the run holds a device, and when its owner was served."""
    for ticket in (settings.home() / "queue").glob(f"*/*-{run_id}"):
        with contextlib.suppress(OSError):
            ticket.write_bytes(b"holds a device")
            served = settings.home() / "queue" / "served" / _person(ticket)
            served.parent.mkdir(exist_ok=True)
            served.touch()


def _last_turn(person: str) -> float:
    try:
        return (settings.home() / "queue" / "served" / person).stat().st_mtime
    except OSError:
        return 0.0


def _size(ticket: Path) -> int:
    try:
        return ticket.stat().st_size
    except OSError:
        return 0


def _run_id(ticket: Path) -> str:
    return ticket.name.partition("-")[2]


def _person(ticket: Path) -> str:
    return ticket.name.partition("-")[0].partition(".")[2]


def _place(device: str) -> Path:
    """The queue folder of a device of this machine (a home on a shared disk serves several machines)."""
    return settings.home() / "queue" / f"{device.replace(':', '-')}@{socket.gethostname()}"


def _names(device: str, devices: int) -> list[str]:
    """The devices of a run, always in the same order, so that no two runs wait for each other."""
    if device.startswith("cuda") and devices > 1:
        return [f"cuda:{number}" for number in range(devices)]
    return [device]
