"""Resumable states on disk: written atomically, with a checksum, never overwritten; old ones are deleted."""

import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

from dlcore.runs.folder import translate_errors, write_atomic

KEEP = 3
_NAME = re.compile(r"step-(\d+)(?:\.(\d+))?\.pt")
_SUM_BYTES = 32


def save(folder: Path, snapshot: dict[str, Any], *, step: int) -> Path:
    """Write a snapshot as the newest checkpoint, and delete all but the newest few.

    Raises:
        StoreError: the disk is full or the folder cannot be written.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(snapshot, buffer)
    data = buffer.getvalue()
    with translate_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = _free_name(folder, step)
        write_atomic(path, hashlib.sha256(data).digest() + data)
        for old in ordered(folder)[:-KEEP]:
            old.unlink(missing_ok=True)
    return path


def newest(folder: Path) -> dict[str, Any] | None:
    """The newest complete snapshot; torn ones are skipped; None without one."""
    return next((snapshot for path in reversed(ordered(folder)) if (snapshot := read(path))), None)


def newest_name(folder: Path) -> str:
    """Name of the file of the newest complete snapshot; empty without one."""
    return next((path.name for path in reversed(ordered(folder)) if _content(path)), "")


def read(path: Path) -> dict[str, Any] | None:
    """The snapshot in that file; None if it is torn."""
    from dlcore.training.state import load_snapshot

    data = _content(path)
    return load_snapshot(io.BytesIO(data)) if data else None


def _content(path: Path) -> bytes:
    """The file without its checksum; empty if that does not agree."""
    data = path.read_bytes()
    content = data[_SUM_BYTES:]
    return content if hashlib.sha256(content).digest() == data[:_SUM_BYTES] else b""


def ordered(folder: Path) -> list[Path]:
    """Checkpoints, oldest first."""
    paths = [path for path in folder.glob("step-*.pt") if _NAME.fullmatch(path.name)]
    return sorted(paths, key=_position)


def _free_name(folder: Path, step: int) -> Path:
    """An unused name: after a resume the same step may be saved again, and no file is overwritten."""
    path, again = folder / f"step-{step:08d}.pt", 0
    while path.exists():
        again += 1
        path = folder / f"step-{step:08d}.{again}.pt"
    return path


def _position(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    assert match, path
    return int(match[1]), int(match[2] or 0)


def drop_drafts(folder: Path) -> None:
    """Remove the temporary files of a killed worker."""
    for draft in folder.glob(".*.tmp"):
        if str(os.getpid()) not in draft.name:
            draft.unlink(missing_ok=True)
