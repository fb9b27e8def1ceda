"""What a person of a shared server may use: jobs, disk and compute; the limits are those of `core.shared_server`.

Compute is measured by files: a worker that holds a device touches one in its owner's folder, so a killed worker loses
seconds at most.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dlcore.core import access, settings, shared_server
from dlcore.core.errors import RequestError
from dlcore.core.repeat import repeating

TICK_SECONDS = 2.0
_KINDS = ("runs", "searches", "trash")
"""Folders below the home whose folders have an owner."""


def check_start(n_active: int) -> None:
    """Check that the viewer may start another job beside her `n_active` queued and running ones.

    Raises:
        RequestError: she has too many jobs, or has used her compute.
    """
    if not (name := access.current().name):
        return
    server = shared_server.load()
    if n_active >= server.running_jobs:
        raise RequestError(
            f"you have {n_active} queued or running jobs, and this server allows {server.running_jobs} a person: "
            "wait until one ends, or stop one."
        )
    if (used := compute_seconds(name)) >= server.compute_seconds:
        raise RequestError(
            f"you used {used:,.0f} s of compute in the last {server.compute_days} days, and this server allows "
            f"{server.compute_seconds:,.0f} s a person: continue later, or ask the administrator for more."
        )


def check_storage() -> None:
    """Check that the viewer may store another run or dataset.

    Raises:
        RequestError: her runs, searches, trash and datasets take more than she may store.
    """
    if not (name := access.current().name):
        return
    limit, stored = shared_server.load().stored_gb, stored_bytes(name) / 1e9
    if stored >= limit:
        raise RequestError(
            f"you store {stored:.2f} GB, and this server allows {limit:g} GB a person: delete runs or datasets, and "
            "empty the trash."
        )


def stored_bytes(name: str) -> int:
    """Return the bytes of a person's runs, searches, trash and datasets."""
    return disk_use().get(name, 0)


def disk_use() -> dict[str, int]:
    """Return the bytes that each person stores; the administrator of the machine is ""."""
    use: dict[str, int] = {}
    for folder in (path for kind in _KINDS for path in (settings.home() / kind).glob("[!.]*")):
        with contextlib.suppress(OSError, ValueError):
            owner = str(json.loads((folder / "state.json").read_bytes()).get("owner", ""))
            use[owner] = use.get(owner, 0) + folder_size(folder)
    folders = {access.folder_name(name): name for name in use if name}
    current = access.current().name
    folders |= {access.folder_name(current): current} if current else {}
    for path in access.people().glob("*"):
        name = folders.get(path.name, path.name)
        use[name] = use.get(name, 0) + folder_size(path)
    return use


def folder_size(path: Path) -> int:
    """Return the bytes of the files below a folder; 0 if it is missing."""
    total = 0
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                total += folder_size(Path(entry.path))
            else:
                with contextlib.suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def compute_seconds(name: str) -> float:
    """Return the seconds that a person's workers held devices in the period of the quota, times their devices."""
    since, total = time.time() - shared_server.load().compute_days * 86400, 0.0
    for file in _clocks(name).glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            started, end = json.loads(file.read_bytes()), file.stat().st_mtime
            total += max(0.0, end - max(since, started["time"])) * started["devices"]
    return total


@contextlib.contextmanager
def measure_compute(token: str, *, devices: int, on_limit: Callable[[], None]) -> Iterator[None]:
    """Count the seconds of the block as the viewer's compute; call `on_limit` once when she has used all of it."""
    if not (name := access.current().name):
        yield
        return
    file, limit, is_reported = _clocks(name) / f"{token}.json", shared_server.load().compute_seconds, False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"time": time.time(), "devices": devices}))

    def tick() -> None:
        nonlocal is_reported
        with contextlib.suppress(OSError):
            os.utime(file)
            if not is_reported and compute_seconds(name) >= limit:
                is_reported = True
                on_limit()

    try:
        with repeating(tick, seconds=TICK_SECONDS, name="compute clock"):
            yield
    finally:
        with contextlib.suppress(OSError):
            os.utime(file)


def _clocks(name: str) -> Path:
    return access.people() / access.folder_name(name) / "compute"
