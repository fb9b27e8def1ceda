"""Exact and near duplicates among images, as groups that splits keep together.

Exact: equal pixels. Near: the same image encoded again, scaled, brightened or cropped slightly; its 8x8 and 32x32 gray
thumbnails correlate. All pairs are compared by matrix products in blocks: 27,000 images take a few seconds. Flipped and
rotated copies are not detected.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from dlcore.data.stratify import stratified_split

COARSE_THRESHOLD, FINE_THRESHOLD = 0.97, 0.95
"""Minimum correlation of 8x8 thumbnails for a candidate pair, and of 32x32 thumbnails for a near duplicate. Among
27,000 photos, all pairs above both show the same photo; the next pair, at 0.94, does not (checked by eye)."""
MIN_SIDE = 24
"""Smaller images have no near duplicates: different digits are nearly equal at 8x8 pixels."""
MAX_COMPARED = 80_000
"""Near duplicates are skipped for more images, since the cost is quadratic."""
_BLOCK = 2048


@dataclass(frozen=True)
class Duplicates:
    """Duplicate groups (N,) int64: each image has the row number of the first image of its group.

    `exact` and `near` count images that repeat an earlier one exactly or nearly (None if not computed). `conflicts`
    counts groups with different labels.
    """

    groups: np.ndarray
    exact: int
    near: int | None
    conflicts: int


def find(pixels: np.ndarray, labels: np.ndarray, *, near: bool = True) -> Duplicates:
    """Find duplicates among uint8 images (N, H, W) or (N, H, W, 3) with labels (N,); near duplicates only if `near`."""
    same = exact_groups(pixels)
    exact = int((same != np.arange(len(pixels))).sum())
    groups = same
    near = near and len(pixels) <= MAX_COMPARED and min(pixels.shape[1:3]) >= MIN_SIDE
    if near and len(pixels) > 1:
        first = np.flatnonzero(same == np.arange(len(pixels)))  # one image per exact group
        pairs = first[near_pairs(pixels, first)]
        groups = connect(len(pixels), np.concatenate([np.stack([np.arange(len(pixels)), same], axis=1), pairs]))
    repeats = int((groups != np.arange(len(pixels))).sum())
    return Duplicates(groups, exact, repeats - exact if near else None, _conflicts(groups, labels))


def exact_groups(pixels: np.ndarray) -> np.ndarray:
    """Return for every image the row of the first one with equal pixels (N,)."""
    first_rows: dict[bytes, int] = {}
    groups = np.empty(len(pixels), dtype=np.int64)
    for row, image in enumerate(pixels):
        key = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
        groups[row] = first_rows.setdefault(key, row)
    return groups


def near_pairs(pixels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return pairs (P, 2) of indices into `rows`, the lower first, of near duplicates."""
    gray, flat = _thumbnails(pixels, rows, 8)
    verified = []
    for start in range(0, len(rows), _BLOCK):
        correlation = gray[start : start + _BLOCK] @ gray[start:].T
        left, right = np.divmod(np.flatnonzero(correlation >= COARSE_THRESHOLD), correlation.shape[1])
        pairs = np.stack([left, right], axis=1)[left < right] + start
        pairs = pairs[~(flat[pairs[:, 0]] | flat[pairs[:, 1]])]
        verified.append(pairs[_verify(pixels, rows, pairs)])
    return np.concatenate(verified) if verified else np.empty((0, 2), dtype=np.int64)


def grouped_stratified_split(
    labels: np.ndarray, groups: np.ndarray, share: float, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Like `stratified_split`, but keep every group in one part; a group has the label of its first image.

    labels (N,) and groups (N,) in any numbering.
    """
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    selected = np.zeros(len(first), dtype=bool)
    selected[stratified_split(labels[first], share, seed=seed)[1]] = True
    return np.flatnonzero(~selected[member]), np.flatnonzero(selected[member])


def _verify(pixels: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return which pairs (P, 2) of indices into `rows` are near duplicates at 32x32 pixels (P,)."""
    valid = np.zeros(len(pairs), dtype=bool)
    for start in range(0, len(pairs), _BLOCK):
        part = pairs[start : start + _BLOCK]
        left, right = (_thumbnails(pixels, rows[part[:, side]], 32)[0] for side in (0, 1))
        valid[start : start + _BLOCK] = (left * right).sum(axis=1) >= FINE_THRESHOLD
    return valid


def _thumbnails(pixels: np.ndarray, rows: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return gray thumbnails (N, side * side), centered, of norm 1; and which images are uniform (N,)."""
    small = [_shrink(pixels[rows[start : start + _BLOCK]], side) for start in range(0, len(rows), _BLOCK)]
    gray = np.concatenate([part.mean(axis=-1).reshape(len(part), -1) for part in small])
    gray -= gray.mean(axis=1, keepdims=True)
    length = np.linalg.norm(gray, axis=1, keepdims=True)
    return gray / np.maximum(length, 1e-6), length[:, 0] < side  # less than one gray level per pixel


def _shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    """Shrink images (N, H, W[, 3]) to at most `side` x `side` by averaging patches: (N, h, w, C) float32."""
    color = pixels if pixels.ndim == 4 else pixels[..., None]
    height, width = color.shape[1:3]
    rows, columns = (np.linspace(0, n, min(side, n) + 1).astype(np.int64)[:-1] for n in (height, width))
    sums = np.add.reduceat(np.add.reduceat(color, rows, axis=1, dtype=np.float32), columns, axis=2, dtype=np.float32)
    tall, wide = np.diff(np.r_[rows, height]), np.diff(np.r_[columns, width])
    small: np.ndarray = sums / (tall[:, None] * wide[None, :])[None, :, :, None]
    return small.astype(np.float32)


def connect(n: int, pairs: np.ndarray) -> np.ndarray:
    """Return connected components (n,) of pairs (P, 2), each named by its lowest row."""
    root = np.arange(n)

    def top(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = int(root[row])
        return row

    for first, second in pairs.tolist():
        low, high = sorted((top(first), top(second)))
        root[high] = low
    return np.array([top(row) for row in range(n)], dtype=np.int64)


def _conflicts(groups: np.ndarray, labels: np.ndarray) -> int:
    pairs = np.unique(np.stack([groups, labels], axis=1), axis=0)
    return int((np.unique(pairs[:, 0], return_counts=True)[1] > 1).sum())
