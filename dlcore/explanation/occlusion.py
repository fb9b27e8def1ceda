"""Occlusion: decrease of a logit when a small window of the image is covered."""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

AT_ONCE, VALUES_AT_ONCE = 32, 1_600_000
"""Largest batch of covered images, and largest number of their values."""


@dataclass(frozen=True)
class OcclusionWindow:
    """A square of `side` pixels that moves by `stride` pixels."""

    side: int
    stride: int

    def places(self, length: int) -> int:
        """Return the number of positions along `length` pixels, the last one at the edge."""
        return max(0, -(-(length - self.side) // self.stride)) + 1


def window_for(height: int, width: int, *, affordable: int) -> OcclusionWindow:
    """Return a window of a seventh of the shorter side, moved by half of it; larger to fit `affordable` positions."""
    side = max(1, round(min(height, width) / 7))
    window = OcclusionWindow(side, max(1, side // 2))
    while window.places(height) * window.places(width) > affordable and window.side < min(height, width) // 2:
        window = (
            OcclusionWindow(window.side, window.side)
            if window.stride < window.side
            else OcclusionWindow(*[window.side + 1] * 2)
        )
    return window


def occlusion(
    module: nn.Module, inputs: Tensor, target: int, *, window: OcclusionWindow, baseline: Tensor
) -> np.ndarray:
    """Return the decrease (N, H, W) of logit `target` when a pixel is covered, averaged over the windows that cover it.

    inputs (N, ...) of images (C, H, W) or (H, W); covered pixels take the values of `baseline`, (1, ...). Works on a
    copy. Source: Zeiler & Fergus 2014, section 4.1.
    """
    from captum.attr import Occlusion

    network = copy.deepcopy(module).eval().requires_grad_(False)
    channels = inputs.shape[1:-2]  # none for gray images without a channel axis
    with torch.no_grad():
        losses: Tensor = Occlusion(network).attribute(
            inputs,
            sliding_window_shapes=(*channels, window.side, window.side),
            strides=(*channels, window.stride, window.stride),
            baselines=baseline.to(inputs).expand_as(inputs).contiguous(),
            target=target,
            perturbations_per_eval=batch_size_for(inputs),
        )
    return losses.reshape(len(inputs), -1, *inputs.shape[-2:])[:, 0].numpy()  # all channels are equal


def batch_size_for(inputs: Tensor) -> int:
    """Return the batch size for images of the size of `inputs` (N, ...), bounded by the memory of their activations."""
    return max(1, min(AT_ONCE, VALUES_AT_ONCE // inputs[0].numel()))


def coarsen(values: np.ndarray, window: OcclusionWindow) -> np.ndarray:
    """Return a map (H, W) as coarse as occlusion's: each window's sum, averaged over the windows that cover a pixel."""
    height, width = values.shape
    total, count = np.zeros_like(values, dtype=np.float64), np.zeros_like(values, dtype=np.float64)
    for i in range(window.places(height)):
        for j in range(window.places(width)):
            rows, columns = (slice(k * window.stride, k * window.stride + window.side) for k in (i, j))
            total[rows, columns] += values[rows, columns].sum()
            count[rows, columns] += 1
    return total / np.maximum(count, 1)
