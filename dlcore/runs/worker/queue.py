"""One running job per device; the others wait, first come first served.

`start` leaves a ticket in `$DLCORE_HOME/queue/<device>/`, named by the time. A worker goes when every ticket before its
own belongs to a dead worker, and then takes a lock that the kernel releases however the worker ends.
"""

import contextlib
import fcntl
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from dlcore.core import settings
from dlcore.runs import folder
from dlcore.runs.folder import translate_errors
from dlcore.runs.worker import liveness

POLL_SECONDS = 0.25


class WithdrawnError(Exception):
    """The run shall wait no longer: it was paused, stopped or launched anew."""


def join(run_id: str, device: str, *, devices: int = 1) -> None:
    """Take a ticket at every device the run needs."""
    leave(run_id)
    now = time.time_ns()
    for name in _names(device, devices):
        place = _place(name)
        with translate_errors(place):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{now:020d}-{run_id}").touch()


def leave(run_id: str) -> None:
    """Give the run's tickets back."""
    for ticket in (settings.home() / "queue").glob(f"*/*-{run_id}"):
        with contextlib.suppress(OSError):
            ticket.unlink()


def runs_ahead(run_id: str, device: str) -> list[str]:
    """Ids of the live runs that go before this one on the device, the running one first."""
    before = []
    for ticket in _tickets(_place(device)):
        if _owner(ticket) == run_id:
            break
        if liveness.is_alive(folder.of_run(_owner(ticket))):
            before.append(_owner(ticket))
    return before


@contextlib.contextmanager
def wait_turn(run_id: str, device: str, *, devices: int = 1, keep_waiting: Callable[[], bool]) -> Iterator[None]:
    """Wait for the device, hold it inside the block, give the ticket back after it.

    Raises:
        Withdrawn: `keep_waiting` said no.
    """
    try:
        with contextlib.ExitStack() as held:
            for name in _names(device, devices):
                held.enter_context(_hold(run_id, _place(name), keep_waiting))
            yield
    finally:
        leave(run_id)


@contextlib.contextmanager
def _hold(run_id: str, place: Path, keep_waiting: Callable[[], bool]) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("a") as lock:
        while not (_is_first(run_id, place) and _locked(lock)):
            if not keep_waiting():
                raise WithdrawnError
            time.sleep(POLL_SECONDS)
        yield


def _is_first(run_id: str, place: Path) -> bool:
    """Whether no live run's ticket comes before; tickets of the dead are thrown away on the way."""
    for ticket in _tickets(place):
        if _owner(ticket) == run_id:
            return True
        if liveness.is_alive(folder.of_run(_owner(ticket))):
            return False
        with contextlib.suppress(OSError):
            ticket.unlink()
    return True


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tickets(place: Path) -> list[Path]:
    return sorted(place.glob("*-*")) if place.is_dir() else []


def _owner(ticket: Path) -> str:
    return ticket.name.partition("-")[2]


def _place(device: str) -> Path:
    """The queue's folder for a device of this machine (a home on a shared disk serves several machines)."""
    return settings.home() / "queue" / f"{device.replace(':', '-')}@{socket.gethostname()}"


def _names(device: str, devices: int) -> list[str]:
    """The devices a run needs, always in the same order: two runs never wait for each other in a ring."""
    if device.startswith("cuda") and devices > 1:
        return [f"cuda:{number}" for number in range(devices)]
    return [device]
