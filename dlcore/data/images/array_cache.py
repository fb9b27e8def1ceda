"""Decoded pictures kept as .npy files, memory-mapped, so that nothing is decoded twice.

`$DLCORE_CACHE/decoded/<name>-<checksum of the content>/`: a folder appears whole or not at all. Several processes may
decode the same set at once; the first one done wins and the others use what it made.
"""

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlcore.core import settings

STALE_SECONDS = 6 * 3600
"""A draft older than this was left by a process that was killed."""


def checksum(*files: Path, salt: str = "") -> str:
    """sha256 over the content of files, and over what else decides the arrays (`salt`: side, version); of folders over
    names, sizes and times, since they may hold a hundred thousand files."""
    digest = hashlib.sha256(salt.encode())
    for file in files:
        if file.is_dir():
            for place in sorted(file.rglob("*")):
                about = place.lstat()
                digest.update(f"{place.relative_to(file)} {about.st_size} {about.st_mtime_ns}\0".encode())
            continue
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def get_or_create(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name and key; where it is not there yet, `make` fills it (it is handed an empty folder).

    Raises:
        OSError: the cache cannot be written, or the disk is full; nothing is left half done.
    """
    place = settings.cache() / "decoded" / f"{name}-{key[:16]}"
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    _tidy(place.parent)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place.parent))
    try:
        make(draft)
        draft.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was faster, and what it made is the same
            draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if not place.is_dir():
        raise OSError(f"{place} cannot be made")
    return place


def load(file: Path) -> np.ndarray:
    """An array of the cache, memory-mapped for reading."""
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _tidy(folder: Path) -> None:
    for left in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
