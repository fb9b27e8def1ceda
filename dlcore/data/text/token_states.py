"""A disk cache of token states (hidden states of a network): half precision, memory-mapped, in chunks of texts.

`$DLCORE_CACHE/states/<key>.npy` (tokens, D) holds the concatenated states of a chunk's texts, `<key>.offsets.npy`
(texts + 1,) where each text begins. The key is the sha256 of everything that determines the states. A chunk is valid
once both files are complete; several processes may write the same one. `DLCORE_STATES_GB` limits the total size: the
least recently used chunks are evicted.
"""

import contextlib
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dlcore.core import settings
from dlcore.core.errors import DataError, StoreError, one_line

CHUNK = 512
"""Texts per chunk: the most that an interrupted computation loses."""
SPARE_BYTES = 2**29
"""Minimum free disk space."""
BYTES = 2
STALE_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Chunk:
    """States (tokens, D) float16 and offsets (texts + 1,): text i has rows offsets[i] to offsets[i + 1]."""

    states: np.ndarray
    offsets: np.ndarray


class TokenStates:
    """The states of many texts, gathered on demand."""

    def __init__(self, chunks: Sequence[Chunk], positions: np.ndarray) -> None:
        """`positions` (N, 2): the chunk of each text, and its index in the chunk."""
        self._chunks, self._positions = chunks, positions
        self.lengths = np.array(
            [chunks[chunk].offsets[row + 1] - chunks[chunk].offsets[row] for chunk, row in positions], dtype=np.int64
        )
        """Tokens per text (N,)."""

    def __len__(self) -> int:
        return len(self._positions)

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Gather the states of texts `rows` (N,): (N, T, D) float32, zero-padded, and the attention mask (N, T) int64.

        Both are on the device of `rows`.
        """
        indices = rows.tolist()
        lengths = torch.from_numpy(self.lengths[indices])
        width = self._chunks[0].states.shape[1]
        states = torch.zeros(len(indices), int(lengths.max()), width, dtype=torch.float16)
        for position, row in enumerate(indices):
            number, text = self._positions[row]
            chunk = self._chunks[number]
            part = chunk.states[chunk.offsets[text] : chunk.offsets[text + 1]]
            states[position, : len(part)] = torch.from_numpy(np.array(part))
        mask = torch.arange(states.shape[1]) < lengths[:, None]
        return states.to(rows.device).float(), mask.long().to(rows.device)


def cache_key(decided_by: str, texts: Sequence[str]) -> str:
    """Return the key of a chunk: 32 digits of the sha256 over its texts and what determines their states."""
    digest = hashlib.sha256(f"{decided_by}\0{len(texts)}\0".encode())
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


def load(key: str, *, texts: int, width: int) -> Chunk | None:
    """Load a chunk and mark it as used; None if it is missing, damaged, or of another shape."""
    path = _folder() / f"{key}.npy"
    try:
        offsets = np.load(_offsets(path), allow_pickle=False)
        states = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if offsets.shape != (texts + 1,) or states.shape != (offsets[-1], width) or states.dtype != np.float16:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return Chunk(states, offsets)


def save(key: str, states: np.ndarray, offsets: np.ndarray) -> None:
    """Save a chunk atomically: states (tokens, D) float16, offsets (texts + 1,).

    Raises:
        StoreError: The cache cannot be written, or the disk is full.
    """
    path = _folder() / f"{key}.npy"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, array in ((_offsets(path), offsets), (path, states)):  # states last: they complete the chunk
            draft = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}")
            try:
                with draft.open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be written: {one_line(error)}. Set DLCORE_CACHE to a folder with room."
        ) from None


def evict(needed: int, *, of: Sequence[str]) -> None:
    """Evict least recently used chunks so that `needed` more bytes fit beside the chunks `of` this run.

    Raises:
        DataError: They exceed `DLCORE_STATES_GB` or the free disk space.
    """
    _delete_stale_drafts()
    keys, chunks = set(of), _list_chunks()
    in_use = sum(size for path, size, _ in chunks if path.stem in keys)
    bound = settings.feature_cache_bytes()
    smaller = "use fewer texts (rows) or fewer tokens of each (length)"
    if in_use + needed > bound:
        raise DataError(
            f"the states of these texts take {_gb(in_use + needed)} and the cache is limited to {_gb(bound)}: set "
            f"DLCORE_STATES_GB higher, or {smaller}."
        )
    evictable = sorted((used, path, size) for path, size, used in chunks if path.stem not in keys)
    total, free = in_use + needed + sum(size for _, _, size in evictable), _free()
    for _, path, size in evictable:
        if total <= bound and free >= needed + SPARE_BYTES:
            break
        _remove(path)
        total, free = total - size, free + size
    if free < needed + SPARE_BYTES:
        raise DataError(
            f"the states of these texts take {_gb(needed)} and the disk of {_folder()} has {_gb(free)} free: "
            f"{smaller}, or set DLCORE_CACHE to a larger one."
        )


def usage() -> tuple[int, int]:
    """Return the bytes on disk and the number of chunks."""
    chunks = _list_chunks()
    return sum(size for _, size, _ in chunks), len(chunks)


def clear() -> int:
    """Delete all chunks and return the freed bytes; open chunks stay readable until closed."""
    freed = 0
    for path, size, _ in _list_chunks():
        _remove(path)
        freed += size
    return freed


def _folder() -> Path:
    return settings.cache() / "states"


def _offsets(path: Path) -> Path:
    return path.with_suffix(".offsets.npy")


def _list_chunks() -> list[tuple[Path, int, float]]:
    """List file, bytes and time of last use of every chunk."""
    chunks = []
    for path in _folder().glob("[0-9a-f]*.npy"):
        with contextlib.suppress(OSError):
            if not path.name.endswith(".offsets.npy"):
                chunks.append((path, path.stat().st_size, path.stat().st_mtime))
    return chunks


def _remove(path: Path) -> None:
    for each in (path, _offsets(path)):
        with contextlib.suppress(OSError):
            each.unlink()


def _delete_stale_drafts() -> None:
    """Delete drafts of killed processes."""
    for draft in _folder().glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - draft.stat().st_mtime > STALE_SECONDS:
                draft.unlink()


def _free() -> int:
    path = next(folder for folder in (_folder(), *_folder().parents) if folder.exists())
    return shutil.disk_usage(path).free


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
