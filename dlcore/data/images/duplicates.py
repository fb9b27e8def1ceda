"""Pictures that are the same, exactly or nearly, found and put into groups, so that no split tears a group apart.

Exact: equal pixels. Near: the same picture saved anew, scaled, brightened or cut a little: its 8x8 grey copy correlates
with the other's, and so does the 32x32 one. Everything is compared with everything, as one matrix product in blocks:
27,000 pictures take a few seconds. Mirrored and turned copies are not looked for.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from dlcore.data.stratify import stratified_split

ALIKE, SAME = 0.97, 0.95
"""Least correlation of two 8x8 grey copies for a pair to be looked at more closely, and of the 32x32 ones for it to
count as near-duplicate. Among 27,000 photographs every pair above both was the same photograph and the next one, at
0.94, was not (looked at by eye)."""
SMALLEST = 24
"""Pictures with a side shorter than this are compared exactly alone: two eights of 8x8 pixels are nearly the same."""
MOST_COMPARED = 80_000
"""Above so many pictures only exact duplicates are looked for: the work grows with the square."""
_BLOCK = 2048


@dataclass(frozen=True)
class Duplicates:
    """groups (N,) int64: the same number for pictures that belong together, the row of the group's first picture.

    `exact` and `near` count the pictures that repeat an earlier one with the same pixels, and those that only nearly do
    (None where that was not looked for). `conflicts` counts groups whose pictures carry different labels.
    """

    groups: np.ndarray
    exact: int
    near: int | None
    conflicts: int


def find(pixels: np.ndarray, labels: np.ndarray, *, near: bool = True) -> Duplicates:
    """Duplicates among uint8 pixels (N, H, W) or (N, H, W, 3) with labels (N,); `near` False looks for exact ones."""
    same = exact_groups(pixels)
    exact = int((same != np.arange(len(pixels))).sum())
    groups = same
    near = near and len(pixels) <= MOST_COMPARED and min(pixels.shape[1:3]) >= SMALLEST
    if near and len(pixels) > 1:
        first = np.flatnonzero(same == np.arange(len(pixels)))  # one of each exact group is enough
        pairs = first[near_pairs(pixels, first)]
        groups = _joined(len(pixels), np.concatenate([np.stack([np.arange(len(pixels)), same], axis=1), pairs]))
    repeats = int((groups != np.arange(len(pixels))).sum())
    return Duplicates(groups, exact, repeats - exact if near else None, _conflicts(groups, labels))


def exact_groups(pixels: np.ndarray) -> np.ndarray:
    """For every picture the row of the first one with the very same pixels (N,)."""
    seen: dict[bytes, int] = {}
    found = np.empty(len(pixels), dtype=np.int64)
    for row, picture in enumerate(pixels):
        key = hashlib.blake2b(np.ascontiguousarray(picture).data, digest_size=16).digest()
        found[row] = seen.setdefault(key, row)
    return found


def near_pairs(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Pairs of places in `rows` (P, 2), the lower first, whose pictures are nearly the same."""
    grey, flat = _unit(pixels, rows, 8)
    found = []
    for start in range(0, len(rows), _BLOCK):
        alike = grey[start : start + _BLOCK] @ grey[start:].T
        left, right = np.divmod(np.flatnonzero(alike >= ALIKE), alike.shape[1])
        pairs = np.stack([left, right], axis=1)[left < right] + start
        pairs = pairs[~(flat[pairs[:, 0]] | flat[pairs[:, 1]])]
        found.append(pairs[_verified(pixels, rows, pairs)])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def grouped_stratified_split(
    labels: np.ndarray, groups: np.ndarray, share: float, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """As `stratified_split`, with every group on one side; a group goes by the label of its first picture.

    labels (N,), groups (N,) as in `Duplicates` or any other numbering.
    """
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    taken = np.zeros(len(first), dtype=bool)
    taken[stratified_split(labels[first], share, seed=seed)[1]] = True
    return np.flatnonzero(~taken[member]), np.flatnonzero(taken[member])


def _verified(pixels: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Which pairs (P, 2) of places in `rows` hold up at a finer look, (P,) true or false."""
    good = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), _BLOCK):
        part = pairs[start : start + _BLOCK]
        one, other = (_unit(pixels, rows[part[:, side]], 32)[0] for side in (0, 1))
        good[start : start + _BLOCK] = (one * other).sum(axis=1) >= SAME
    return good


def _unit(pixels: np.ndarray, rows: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Small grey copies (N, side * side), mean taken off, of length 1; and which pictures are of one colour (N,)."""
    small = [_small(pixels[rows[start : start + _BLOCK]], side) for start in range(0, len(rows), _BLOCK)]
    grey = np.concatenate([part.mean(axis=-1).reshape(len(part), -1) for part in small])
    grey -= grey.mean(axis=1, keepdims=True)
    length = np.linalg.norm(grey, axis=1, keepdims=True)
    return grey / np.maximum(length, 1e-6), length[:, 0] < side  # less than one grey level a pixel: points nowhere


def _small(pixels: np.ndarray, side: int) -> np.ndarray:
    """Pictures (N, H, W[, 3]) at most `side` x `side`, each pixel the mean of a patch, (N, h, w, C) float32."""
    colour = pixels if pixels.ndim == 4 else pixels[..., None]
    height, width = colour.shape[1:3]
    rows, columns = (np.linspace(0, n, min(side, n) + 1).astype(np.int64)[:-1] for n in (height, width))
    sums = np.add.reduceat(np.add.reduceat(colour, rows, axis=1, dtype=np.float32), columns, axis=2, dtype=np.float32)
    tall, wide = np.diff(np.r_[rows, height]), np.diff(np.r_[columns, width])
    small: np.ndarray = sums / (tall[:, None] * wide[None, :])[None, :, :, None]
    return small.astype(np.float32)


def _joined(n: int, pairs: np.ndarray) -> np.ndarray:
    """Groups (n,) of what pairs (P, 2) tie together, each named by its lowest row."""
    root = np.arange(n)

    def top(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = int(root[row])
        return row

    for one, other in pairs.tolist():
        one, other = top(one), top(other)
        root[max(one, other)] = min(one, other)
    return np.array([top(row) for row in range(n)], dtype=np.int64)


def _conflicts(groups: np.ndarray, labels: np.ndarray) -> int:
    pairs = np.unique(np.stack([groups, labels], axis=1), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())
