"""The lifecycle that runs and searches share: the state file, commands, the queue and the worker process.

Every function takes the `RunFolder` of a run or of a search. `state.json` holds `state`, `reason` and other fields that
describe the run; it is replaced atomically, under a lock, so that several processes may write it and any may read it.
"""

import functools
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlcore.runs.locks as locks
from dlcore.core import access, cluster
from dlcore.core.errors import RunError
from dlcore.runs.folder import Command, RunFolder, translate_errors, write_atomic, write_json
from dlcore.runs.record import ACTIVE, STARTING, State
from dlcore.runs.worker import launcher, liveness, queue

_REASON_LENGTH = 4000


@dataclass(frozen=True)
class LiveState:
    """State of a run or search, checked against its worker process; `fields` is the content of the state file."""

    state: State
    reason: str
    pid: int | None
    fields: Mapping[str, Any]

    @property
    def is_active(self) -> bool:
        """Whether it is running or queued."""
        return self.state in ACTIVE


def read_state(folder: RunFolder) -> dict[str, Any]:
    """Content of the state file; empty if it is missing or unreadable, or if the viewer may not see the run.

    Every listing and every command by id goes through here (see `core.access`).
    """
    fields = stored_state(folder)
    return fields if access.can_read(fields) else {}


def stored_state(folder: RunFolder) -> dict[str, Any]:
    """Content of the state file, whoever the viewer is. Each version of the file is parsed once."""
    try:
        stat = folder.state.stat()
    except OSError:
        return {}
    return dict(_parse(folder.state, (stat.st_ino, stat.st_mtime_ns, stat.st_size)))


def write_state(folder: RunFolder, state: State, reason: str = "", **fields: Any) -> None:
    """Set state and reason, and further fields.

    Raises:
        StoreError: the folder cannot be written.
    """
    update_state(folder, state=state, reason=reason[:_REASON_LENGTH], **fields)


def update_state(folder: RunFolder, *, timeout: float = locks.WAIT_SECONDS, **fields: Any) -> None:
    """Replace some fields of the state file; the others stay. Wait for its lock at most `timeout` seconds.

    Raises:
        LockedError: another program holds the lock.
        StoreError: the folder cannot be written.
        RunError: it belongs to another person.
    """
    require_owner(folder)
    with locks.hold(folder.write_lock, timeout=timeout), translate_errors(folder.path):
        stored = stored_state(folder)
        # nothing changes the owner; a new run is the viewer's, even if its bundle names another
        owner = {"owner": stored.get("owner", "")} if stored else {"owner": access.require_person(), "is_shared": False}
        write_json(folder.state, {**stored, **fields, **owner})


def require_owner(folder: RunFolder) -> None:
    """Check that the viewer may change a run or search; one that is being created has no owner yet.

    Raises:
        RunError: it belongs to another person.
    """
    fields = stored_state(folder)
    if fields and not access.can_change(fields):
        if not access.can_read(fields):
            raise unknown(folder.run_id)
        raise RunError(f"{describe(folder)} is shared by {fields.get('owner') or 'the administrator'}: fork it first.")


def unknown(ref: str) -> RunError:
    """The error for a run that does not exist, or that the viewer may not see."""
    return RunError(f"there is no run '{ref}': `dlcore runs list` shows all runs.")


def live_state(folder: RunFolder, stored: Mapping[str, Any] | None = None) -> LiveState:
    """The state at this moment: `interrupted` if the file says active but the worker process is dead.

    `stored` is the content of the state file, if the caller has just read it.
    """
    pid, ended = 0, ""
    for again in (False, True):  # the worker may have ended properly between the two reads
        fields = read_state(folder) if stored is None or again else stored
        state: State = fields.get("state", "failed")
        reason = fields.get("reason", "")
        worker = liveness.read(folder) if state in ACTIVE else None
        if worker is None:
            return LiveState(state, reason, None, fields)
        if worker.executor == "slurm":
            status = liveness.cluster_status(folder, worker)
            if status.is_alive and status.waits:  # for the first time, or again after a preemption
                return LiveState("queued", status.reason, None, fields)
            if status.is_alive:
                return LiveState(state, status.reason or reason, worker.pid or None, fields)
            ended = status.reason or reason
        elif liveness.is_alive(folder):
            reason = _waiting_reason(folder, worker) if state == "queued" else reason
            return LiveState(state, reason, worker.pid or None, fields)
        pid = worker.pid
    ended = ended or f"the worker {f'process {pid}' if pid else 'process'} died"
    return LiveState("interrupted", f"{ended}: resume from the last checkpoint", None, fields)


def start(folder: RunFolder, *, device: str, devices: int = 1, nodes: int = 1) -> None:
    """Launch the worker of a queued run or search; returns at once.

    Raises:
        RunError: it is not queued, or has a worker already.
    """
    require_owner(folder)
    live = live_state(folder)
    if live.state != "queued" or live.pid or liveness.is_alive(folder):
        raise RunError(f"{describe(folder)} is {live.state}: only a queued one without a worker can be started.")
    launch(folder, device=device, devices=devices, nodes=nodes)


def request(folder: RunFolder, command: Command) -> None:
    """Send a command to the worker; a run or search that still waits is paused or stopped at once.

    Raises:
        RunError: it is neither queued nor running.
        StoreError: the folder cannot be written.
    """
    require_owner(folder)
    live = live_state(folder)
    outcome: State = "paused" if command == "pause" else "stopped"
    if not live.is_active:
        raise RunError(f"{describe(folder)} is {live.state}: only a queued or running one can be {outcome}.")
    with translate_errors(folder.path):
        write_atomic(folder.request, command.encode())
    if live.state == "queued":  # a waiting worker sees the request and exits
        write_state(folder, outcome, f"{command} requested while queued")
        leave_queue(folder)


def resume(folder: RunFolder, *, device: str, devices: int = 1, nodes: int = 1, command: Command | None = None) -> None:
    """Queue it again and launch a worker, which continues from the last checkpoint; `command` is its first command.

    Raises:
        RunError: it is active, or no worker can be started on this machine.
    """
    require_owner(folder)
    live = live_state(folder)
    if live.is_active:
        raise RunError(f"{describe(folder)} is {live.state}: pause or stop it first.")
    launcher.check(executor_of(folder), nodes=nodes)
    write_state(folder, "queued")
    launch(folder, device=device, devices=devices, nodes=nodes, command=command)


def launch(folder: RunFolder, *, device: str, devices: int = 1, nodes: int = 1, command: Command | None = None) -> None:
    """Join the queue of the device (on this machine) and start a worker process; returns at once.

    Raises:
        RunError: no worker can be started on this machine.
        StoreError: the folder cannot be written.
    """
    executor = executor_of(folder)
    launcher.check(executor, nodes=nodes)
    if executor == "local":
        queue.join(folder.run_id, device, devices=devices, owner=str(stored_state(folder).get("owner", "")))
    launcher.launch(folder, device=device, devices=devices, nodes=nodes, executor=executor, command=command)


def executor_of(folder: RunFolder) -> str:
    """Where the workers of a run or search run: as it was created, unless `DLCORE_EXECUTOR` says `local`."""
    stored = str(read_state(folder).get("executor") or "")
    return cluster.default_executor() if not stored or os.environ.get("DLCORE_EXECUTOR") == "local" else stored


def wait(folder: RunFolder, *, timeout: float | None = None, interval: float = 0.2) -> LiveState:
    """Wait until it is neither queued nor running, at most `timeout` seconds; returns the last state seen."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while (live := live_state(folder)).is_active and (deadline is None or time.monotonic() < deadline):
        time.sleep(interval)
    return live


def delete(folder: RunFolder) -> None:
    """Remove the folder of a run or search that no worker uses.

    Raises:
        RunError: it is running, or queued with a worker.
    """
    check_idle(folder)
    remove(folder)


def check_idle(folder: RunFolder) -> None:
    """Check that no worker uses a run or search that is to be deleted.

    Raises:
        RunError: it is running, or queued with a worker.
    """
    require_owner(folder)
    live = live_state(folder)
    if live.state == "running" or (live.state == "queued" and live.pid):
        raise RunError(f"{describe(folder)} is {live.state}: stop it first, then delete it.")


def remove(folder: RunFolder) -> None:
    """Remove the folder and the place in the queue; the state file first, so that a half-removed run is not listed."""
    leave_queue(folder)
    with translate_errors(folder.path):
        folder.state.unlink(missing_ok=True)
    shutil.rmtree(folder.path, ignore_errors=True)


def leave_queue(folder: RunFolder) -> None:
    """Give up the place in the queue of this machine or of the cluster."""
    queue.leave(folder.run_id)
    liveness.cancel_job(folder)


def describe(folder: RunFolder) -> str:
    """The run or search as error messages name it."""
    return f"{'search' if folder.is_search else 'run'} {folder.run_id}"


def _waiting_reason(folder: RunFolder, worker: liveness.WorkerInfo) -> str:
    """Why a launched run does not run yet."""
    count = len(queue.runs_ahead(folder.run_id, worker.device)) if worker.device else 0
    return f"waits for {worker.device} behind {count} run{'s' if count > 1 else ''}" if count else STARTING


@functools.lru_cache(maxsize=8192)
def _parse(path: Path, _version: tuple[int, int, int]) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
