"""Histograms of oriented gradients (Dalal and Triggs 2005), the usual features before convolutional networks."""

import numpy as np

ORIENTATIONS = 9
"""Bins of the direction of a gradient, over half a turn: light on dark counts as dark on light."""
CELLS, LEAST_CELL = 7, 2
"""Cells along the shorter side of an image, and the least pixels of a cell's side."""
CHUNK = 2048
"""Images whose gradients are in memory at once."""
CLIP = 0.2
"""Largest value of a normalized block, before it is normalized again."""


def hog(images: np.ndarray) -> np.ndarray:
    """Return features (N, D) float32 of gray images (N, H, W): blocks of 2 x 2 cells, each normalized (L2-Hys)."""
    return np.concatenate([_hog(images[start : start + CHUNK]) for start in range(0, len(images), CHUNK)])


def _hog(images: np.ndarray) -> np.ndarray:
    pixels = np.sqrt(np.maximum(0, images.astype(np.float32)))  # gamma compression
    rows, columns = np.gradient(pixels, axis=(1, 2))
    size = np.hypot(rows, columns)
    turn = np.arctan2(rows, columns) * np.float32(ORIENTATIONS / np.pi) + ORIENTATIONS  # 0 to 18
    low = turn.astype(np.int32)
    share = turn - low
    cell = max(LEAST_CELL, min(images.shape[1:]) // CELLS)
    down, across = (length // cell for length in images.shape[1:])
    in_cells = np.s_[:, : down * cell, : across * cell]
    places = np.arange(down).repeat(cell)[:, None] * across + np.arange(across).repeat(cell)
    places = (np.arange(len(images))[:, None, None] * (down * across) + places) * ORIENTATIONS
    total = len(images) * down * across * ORIENTATIONS
    votes = np.zeros(total)
    for step, weight in ((0, 1 - share), (1, share)):  # to the two bins next to the direction
        bins = places + (low[in_cells] + step) % ORIENTATIONS
        votes += np.bincount(bins.ravel(), (size * weight)[in_cells].ravel(), total)
    votes = votes.reshape(len(images), down, across, ORIENTATIONS)
    blocks = np.concatenate([votes[:, :-1, :-1], votes[:, :-1, 1:], votes[:, 1:, :-1], votes[:, 1:, 1:]], axis=-1)
    blocks = np.minimum(_normalize(blocks.astype(np.float32)), CLIP)
    return _normalize(blocks).reshape(len(images), -1)


def _normalize(blocks: np.ndarray) -> np.ndarray:
    return np.asarray(blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + np.float32(1e-6)))
