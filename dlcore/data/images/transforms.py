"""Transforms of decoded images: statistics, normalization, resizing, and the input of a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def mean_and_std(pixels: np.ndarray) -> dict[str, float]:
    """Return mean and standard deviation of uint8 pixels scaled to [0, 1]."""
    counts = np.bincount(np.ravel(pixels), minlength=256)  # exact, without a float copy of the pixels
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    spread = float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
    return {"mean": mean, "std": spread or 1.0}


def channel_mean_and_std(pixels: np.ndarray) -> dict[str, list[float]]:
    """Return mean and standard deviation of each channel of pixels (N, H, W, C)."""
    scales = [mean_and_std(pixels[..., channel]) for channel in range(pixels.shape[-1])]
    return {name: [scale[name] for scale in scales] for name in ("mean", "std")}


def normalize(pixels: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Normalize uint8 pixels (..., C) or (..., H, W) to float32: (pixels / 255 - mean) / std."""
    mean, spread = (np.asarray(preprocessing[name], dtype=np.float32) for name in ("mean", "std"))
    return ((pixels.astype(np.float32) / 255 - mean) / spread).astype(np.float32)


def resize(pixels: np.ndarray, side: int) -> np.ndarray:
    """Resize uint8 images (N, H, W) or (N, H, W, C) to side x side, bilinear with antialiasing."""
    if pixels.shape[1:3] == (side, side):
        return pixels
    from PIL import Image

    resized = np.empty((len(pixels), side, side, *pixels.shape[3:]), dtype=np.uint8)
    for row, image in enumerate(pixels):
        pillow = Image.fromarray(np.ascontiguousarray(image))
        resized[row] = np.asarray(pillow.resize((side, side), Image.Resampling.BILINEAR))
    return resized


def to_model_input(pixels: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Convert one uint8 image (H, W) or (H, W, C) to its model's input, float32 (H, W) or (C, H, W).

    `preprocessing` is that of a run: its `kind` separates flat gray images from those for convolutions, which are
    resized to the model's side.
    """
    if preprocessing.get("kind") != "picture":
        return normalize(pixels, preprocessing)
    sized = resize(pixels[None], int(preprocessing["side"]))[0]
    return np.ascontiguousarray(normalize(sized.reshape(*sized.shape[:2], -1), preprocessing).transpose(2, 0, 1))
