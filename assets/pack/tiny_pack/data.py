"""Drawn shapes: a dataset that needs no file."""

import hashlib

import numpy as np

from dlcore.data.images.images import Images
from dlcore.data.sources.registry import PackDataset

SIDE, TRAIN, TEST = 12, 600, 200
NAMES = ("square", "cross", "diagonal")


def draw(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy images (N, H, W) uint8 of shapes at random places, and their classes (N,)."""
    labels = rng.integers(0, len(NAMES), count)
    pixels = rng.integers(0, 60, (count, SIDE, SIDE))
    for image, label in zip(pixels, labels, strict=True):
        size = int(rng.integers(4, 8))
        top, left = rng.integers(0, SIDE - size, 2)
        part = image[top : top + size, left : left + size]
        if label == 0:
            part[[0, -1], :] = part[:, [0, -1]] = 220
        elif label == 1:
            part[size // 2, :] = part[:, size // 2] = 220
        else:
            part[np.arange(size), np.arange(size)] = 220
    return pixels.astype(np.uint8), labels.astype(np.int64)


def load() -> Images:
    """Return the images, drawn from a fixed seed."""
    rng = np.random.default_rng(0)
    pixels, labels = draw(TRAIN, rng)
    test_pixels, test_labels = draw(TEST, rng)
    checksum = hashlib.sha256(pixels.tobytes() + test_pixels.tobytes()).hexdigest()
    return Images(pixels, labels, test_pixels, test_labels, NAMES, checksum)


SHAPES = PackDataset(
    name="tiny_pack_shapes",
    title="Drawn shapes (synthetic)",
    kind="images",
    homepage="",
    license="drawn by this pack",
    rows=TRAIN + TEST,
    files=(),
    synthetic=True,
    load=load,
    projects=("fashion",),
)
