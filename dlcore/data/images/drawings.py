"""Variants of the ten drawings in `assets/samples/food`: color images of dishes to train on without any download."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlcore.core import settings

FOLDER = settings.ASSETS / "samples" / "food"
SIDE, TRAIN, TEST = 96, 30, 10
"""Pixels of a side, and variants of each drawing in the training and in the test split."""
MAX_ANGLE, MIN_CROP, MAX_TINT = 25.0, 0.6, 0.25
"""Degrees; side of the crop, as a share; relative change of each color channel."""


def list_files() -> Sequence[Path]:
    """Return the drawings, one per dish, by name."""
    return sorted(FOLDER.glob("*.png"))


def make_images(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels (N, H, W, 3) and labels (N,) for training, and the same for the test, uint8."""
    from PIL import Image

    random = np.random.default_rng(seed)
    pixels: list[list[np.ndarray]] = []
    for file in list_files():
        with Image.open(file) as opened:
            drawing = opened.convert("RGB")
        variants = []
        for _ in range(TRAIN + TEST):
            turned = drawing.rotate(random.uniform(-MAX_ANGLE, MAX_ANGLE), Image.Resampling.BILINEAR)
            side = round(min(drawing.size) * random.uniform(MIN_CROP, 0.9))
            left, top = (random.integers(length - side + 1) for length in drawing.size)
            cropped = turned.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
            tint = 1 + random.uniform(-MAX_TINT, MAX_TINT, 3)
            noise = random.normal(0, 8, (SIDE, SIDE, 3))
            variants.append(np.clip(np.asarray(cropped) * tint + noise, 0, 255).astype(np.uint8))
        pixels.append(variants)
    labels = np.arange(len(pixels), dtype=np.uint8)
    train = np.concatenate([np.stack(variants[:TRAIN]) for variants in pixels])
    test = np.concatenate([np.stack(variants[TRAIN:]) for variants in pixels])
    return train, labels.repeat(TRAIN), test, labels.repeat(TEST)
