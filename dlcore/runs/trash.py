"""Deleted runs: `$DLCORE_HOME/trash` keeps their folders, bundle included, until the trash is emptied."""

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dlcore.core import access, settings
from dlcore.core.errors import RunError
from dlcore.core.quotas import folder_size
from dlcore.runs.folder import RunFolder, of_run, translate_errors
from dlcore.runs.lifecycle import check_idle, leave_queue, read_state
from dlcore.runs.record import Record
from dlcore.runs.run import open_run, read_record


@dataclass(frozen=True)
class DeletedRun:
    """A run in the trash; `deleted` is the time in seconds since the epoch, `size` its bytes on the disk."""

    record: Record
    deleted: float
    size: int


def root() -> Path:
    """Return the folder of deleted runs."""
    return settings.home() / "trash"


def move_to_trash(run_id: str) -> str:
    """Move a run that is not active to the trash; returns its full id.

    Raises:
        RunError: the run is active, came with the workbench, or does not exist.
        StoreError: the folder cannot be moved.
    """
    run = open_run(run_id)
    if run.is_reference:
        raise RunError(f"{run.run_id} came with the workbench and cannot be deleted.")
    folder, target = of_run(run.run_id), root() / run.run_id
    check_idle(folder)
    leave_queue(folder)
    with translate_errors(target):
        root().mkdir(parents=True, exist_ok=True)
        folder.path.replace(target)
        os.utime(target, (time.time(), time.time()))
    return run.run_id


def restore(run_id: str) -> Record:
    """Move a run from the trash back to the runs.

    Raises:
        RunError: it is not in the trash.
        StoreError: the folder cannot be moved.
    """
    source, folder = root() / run_id, of_run(run_id)
    if source.parent != root() or not is_own(RunFolder(source)):
        raise RunError(f"there is no run '{run_id[:40]}' in the trash.")
    with translate_errors(folder.path):
        folder.path.parent.mkdir(parents=True, exist_ok=True)
        source.replace(folder.path)
    return read_record(folder)


def list_trash() -> list[DeletedRun]:
    """Return the deleted runs, the last deleted first."""
    deleted = []
    for path in root().iterdir() if root().is_dir() else ():
        folder = RunFolder(path)
        with contextlib.suppress(RunError, OSError):
            if is_own(folder) and (state := read_state(folder)):
                record = Record.from_state(path.name, state, pid=None)
                deleted.append(DeletedRun(record, path.stat().st_mtime, folder_size(path)))
    return sorted(deleted, key=lambda run: -run.deleted)


def is_own(folder: RunFolder) -> bool:
    """Return whether the folder holds a run that the viewer may change."""
    state = read_state(folder)
    return bool(state) and access.can_change(state)


def empty_trash(run_ids: Sequence[str] | None = None) -> int:
    """Delete runs in the trash permanently, all by default; returns the bytes freed."""
    freed = 0
    for run in list_trash():
        if run_ids is None or run.record.run_id in run_ids:
            shutil.rmtree(root() / run.record.run_id, ignore_errors=True)
            freed += run.size
    return freed
