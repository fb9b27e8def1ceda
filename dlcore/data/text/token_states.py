"""What a network said of every token of many texts, kept on disk: half precision, memory-mapped, a chunk at a time.

`$DLCORE_CACHE/states/<key>.npy` (tokens, D) holds the states of a chunk's texts one after the other, and
`<key>.offsets.npy` (texts + 1,) where each begins. The key is the sha256 of all that decides the numbers, so what
changed is never read from an old chunk. A chunk counts once both files are whole; several processes may write the
same one. `DLCORE_STATES_GB` bounds them all together: the longest unused go first.
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
"""Texts kept together: an interrupted computation loses at most so many."""
SPARE_BYTES = 2**29
"""Left free on the disk, whatever is kept."""
BYTES = 2
STALE_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Chunk:
    """States (tokens, D) float16 and offsets (texts + 1,): text i has the rows from offsets[i] to offsets[i + 1]."""

    states: np.ndarray
    offsets: np.ndarray


class TokenStates:
    """The states of many texts, gathered as they are asked for."""

    def __init__(self, chunks: Sequence[Chunk], places: np.ndarray) -> None:
        """`places` (N, 2): each text's chunk, and its number in that chunk."""
        self._chunks, self._places = chunks, places
        self.lengths = np.array(
            [chunks[chunk].offsets[row + 1] - chunks[chunk].offsets[row] for chunk, row in places], dtype=np.int64
        )
        """(N,) tokens of each text."""

    def __len__(self) -> int:
        return len(self._places)

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(N,) text numbers -> their states (N, T, D) float32, zero where a text has ended, and (N, T) int64, 1 where
        it has a token; both on the device of `rows`."""
        wanted = rows.tolist()
        lengths = torch.from_numpy(self.lengths[wanted])
        width = self._chunks[0].states.shape[1]
        states = torch.zeros(len(wanted), int(lengths.max()), width, dtype=torch.float16)
        for place, row in enumerate(wanted):
            chunk, number = self._places[row]
            kept = self._chunks[chunk]
            part = kept.states[kept.offsets[number] : kept.offsets[number + 1]]
            states[place, : len(part)] = torch.from_numpy(np.array(part))
        found = torch.arange(states.shape[1]) < lengths[:, None]
        return states.to(rows.device).float(), found.long().to(rows.device)


def cache_key(decided_by: str, texts: Sequence[str]) -> str:
    """The name of a chunk: 32 digits of the sha256 over what decides its numbers and over its texts."""
    digest = hashlib.sha256(f"{decided_by}\0{len(texts)}\0".encode())
    for text in texts:
        said = text.encode("utf-8", "surrogatepass")
        digest.update(len(said).to_bytes(8, "little") + said)
    return digest.hexdigest()[:32]


def load(key: str, *, texts: int, width: int) -> Chunk | None:
    """The chunk of that name, its use noted; None where it is not there, torn, or of another shape."""
    place = _folder() / f"{key}.npy"
    try:
        offsets = np.load(_offsets(place), allow_pickle=False)
        states = np.load(place, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if offsets.shape != (texts + 1,) or states.shape != (offsets[-1], width) or states.dtype != np.float16:
        return None
    with contextlib.suppress(OSError):
        os.utime(place)
    return Chunk(states, offsets)


def save(key: str, states: np.ndarray, offsets: np.ndarray) -> None:
    """Keep a chunk: states (tokens, D) float16, offsets (texts + 1,). It appears whole or not at all.

    Raises:
        StoreError: the cache cannot be written, or the disk is full.
    """
    place = _folder() / f"{key}.npy"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for target, array in ((_offsets(place), offsets), (place, states)):  # the states last: then both are there
            draft = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}")
            try:
                with draft.open("wb") as file:
                    np.save(file, array, allow_pickle=False)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{place.parent} cannot be written: {one_line(error)}. Set DLCORE_CACHE to a folder with room."
        ) from None


def evict(needed: int, *, of: Sequence[str]) -> None:
    """See that `needed` more bytes fit beside the chunks named in `of`; chunks longest unused make way.

    Raises:
        DataError: they are more than `DLCORE_STATES_GB` allows, or than the disk has room for.
    """
    _tidy()
    wanted, kept = set(of), _kept()
    own = sum(size for path, size, _ in kept if path.stem in wanted)
    bound = settings.feature_cache_bytes()
    smaller = "use fewer texts (rows) or fewer tokens of each (length)"
    if own + needed > bound:
        raise DataError(
            f"the states of these texts take {_gb(own + needed)} and at most {_gb(bound)} are kept: set "
            f"DLCORE_STATES_GB higher, or {smaller}."
        )
    others = sorted((used, path, size) for path, size, used in kept if path.stem not in wanted)
    total, free = own + needed + sum(size for _, _, size in others), _free()
    for _, path, size in others:
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
    """Bytes on the disk, and how many chunks."""
    kept = _kept()
    return sum(size for _, size, _ in kept), len(kept)


def clear() -> int:
    """Remove every chunk; gives the bytes that this freed. What is being read stays readable until it is done with."""
    freed = 0
    for path, size, _ in _kept():
        _remove(path)
        freed += size
    return freed


def _folder() -> Path:
    return settings.cache() / "states"


def _offsets(place: Path) -> Path:
    return place.with_suffix(".offsets.npy")


def _kept() -> list[tuple[Path, int, float]]:
    """Every chunk's file, its bytes, and when it was last used."""
    found = []
    for path in _folder().glob("[0-9a-f]*.npy"):
        with contextlib.suppress(OSError):
            if not path.name.endswith(".offsets.npy"):
                found.append((path, path.stat().st_size, path.stat().st_mtime))
    return found


def _remove(path: Path) -> None:
    for each in (path, _offsets(path)):
        with contextlib.suppress(OSError):
            each.unlink()


def _tidy() -> None:
    """Drop the drafts that a killed process left."""
    for left in _folder().glob(".*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink()


def _free() -> int:
    place = next(folder for folder in (_folder(), *_folder().parents) if folder.exists())
    return shutil.disk_usage(place).free


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
