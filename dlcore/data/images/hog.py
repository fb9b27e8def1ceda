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
    turn = np.arctan2(rows, columns) / np.pi % 1 * ORIENTATIONS  # 0 to 9
    low = np.floor(turn).astype(np.int64)
    share = turn - low
    cell = max(LEAST_CELL, min(images.shape[1:]) // CELLS)
    votes = np.stack(
        [
            _sum_cells(size * ((low % ORIENTATIONS == k) * (1 - share) + ((low + 1) % ORIENTATIONS == k) * share), cell)
            for k in range(ORIENTATIONS)
        ],
        axis=-1,
    )
    blocks = np.concatenate([votes[:, :-1, :-1], votes[:, :-1, 1:], votes[:, 1:, :-1], votes[:, 1:, 1:]], axis=-1)
    blocks = np.minimum(_normalize(blocks), CLIP)
    return _normalize(blocks).reshape(len(images), -1).astype(np.float32)


def _sum_cells(values: np.ndarray, cell: int) -> np.ndarray:
    """Return sums (N, H // cell, W // cell) over cells of values (N, H, W)."""
    n, height, width = values.shape
    cut = values[:, : height // cell * cell, : width // cell * cell]
    return np.asarray(cut.reshape(n, height // cell, cell, width // cell, cell).sum(axis=(2, 4)))


def _normalize(blocks: np.ndarray) -> np.ndarray:
    return np.asarray(blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + 1e-6))
