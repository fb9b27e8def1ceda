"""A disk cache of decoded arrays as memory-mapped .npy files.

Folders `$DLCORE_CACHE/decoded/<name>-<checksum>/` are created atomically. Several processes may decode the same dataset
at once; the first one to finish wins.
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
"""Older drafts are from killed processes."""


def checksum(*files: Path, salt: str = "") -> str:
    """Return the sha256 over files and `salt`, which is what else determines the arrays (side, version).

    Of folders, which may have 100,000 files, only paths, sizes and times are hashed.
    """
    digest = hashlib.sha256(salt.encode())
    for file in files:
        if file.is_dir():
            for path in sorted(file.rglob("*")):
                about = path.lstat()
                digest.update(f"{path.relative_to(file)} {about.st_size} {about.st_mtime_ns}\0".encode())
            continue
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def get_or_create(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the cached folder; if it does not exist, `make` fills an empty draft, which is moved into place.

    Raises:
        OSError: The cache cannot be written, or the disk is full.
    """
    path = settings.cache() / "decoded" / f"{name}-{key[:16]}"
    if path.is_dir():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    _delete_stale_drafts(path.parent)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=path.parent))
    try:
        make(draft)
        draft.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was faster, with the same result
            draft.rename(path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if not path.is_dir():
        raise OSError(f"{path} cannot be created")
    return path


def load(file: Path) -> np.ndarray:
    """Memory-map an array of the cache for reading."""
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _delete_stale_drafts(folder: Path) -> None:
    for draft in folder.glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)
