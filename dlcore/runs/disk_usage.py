"""How much disk space runs use, and what a clean-up frees."""

import contextlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dlcore.core.errors import RunError
from dlcore.core.quotas import folder_size
from dlcore.runs import local_store, trash
from dlcore.runs.folder import RunFolder
from dlcore.runs.lifecycle import live_state


@dataclass(frozen=True)
class DiskUsage:
    """Bytes of one run: `checkpoints` are those that no command can use any more, since the run is finished."""

    run_id: str
    size: int
    checkpoints: int


@dataclass(frozen=True)
class CleanUp:
    """One thing that can be removed: what it is, in how many runs, the bytes it frees, and what is lost."""

    title: str
    runs: int
    size: int
    loss: str
    perform: Callable[[], int]


def measure() -> dict[str, DiskUsage]:
    """Return the bytes of the viewer's runs, those in the trash left out."""
    return {folder.run_id: _measure(folder) for folder in local_store.newest(None) if trash.is_own(folder)}


def clean_ups(usage: Sequence[DiskUsage]) -> list[CleanUp]:
    """Return what can be removed, without what would free nothing."""
    deleted = trash.list_trash()
    finished = [run for run in usage if run.checkpoints]
    candidates = [
        CleanUp(
            "Empty the trash",
            len(deleted),
            sum(run.size for run in deleted),
            "Deleted runs can no longer be restored.",
            trash.empty_trash,
        ),
        CleanUp(
            "Checkpoints of finished runs",
            len(finished),
            sum(run.checkpoints for run in finished),
            "Nothing: a finished run cannot be resumed, and its bundle stays.",
            lambda: sum(remove_checkpoints(run.run_id) for run in finished),
        ),
    ]
    return [entry for entry in candidates if entry.size]


def remove_checkpoints(run_id: str) -> int:
    """Remove the checkpoints of a finished run; returns the bytes freed, 0 for a run in another state."""
    freed = 0
    with contextlib.suppress(RunError):
        folder = RunFolder(local_store.root() / run_id)
        freed = _spare(folder) if trash.is_own(folder) else 0
        if freed:
            shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return freed


def format_size(size: int) -> str:
    """Format bytes: 512 B, 20 kB, 3.4 MB, 1.2 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.{1 if size < 10 * scale else 0}f} {unit}"
    return f"{size} B"


def _measure(folder: RunFolder) -> DiskUsage:
    return DiskUsage(folder.run_id, folder_size(folder.path), _spare(folder))


def _spare(folder: RunFolder) -> int:
    """Return the bytes of checkpoints that no command can use."""
    is_finished = live_state(folder).state == "finished" and (folder.bundle / "run.json").exists()
    return folder_size(folder.checkpoints) if is_finished else 0
