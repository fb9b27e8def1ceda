"""Windows of a series, and what is said of windows turned back into one number per time point."""

import numpy as np
import torch
from torch import Tensor


def sliding(features: np.ndarray, length: int) -> Tensor:
    """(T, F) -> (T - length + 1, length, F): every window, as a view that costs no memory."""
    return torch.from_numpy(np.ascontiguousarray(features)).unfold(0, length, 1).transpose(1, 2)


def point_means(values: np.ndarray, points: int) -> np.ndarray:
    """(N, L) one value per window and place -> (points,) each point's mean over the windows that hold it.

    Window i begins at point i, so points = N + L - 1. Looks ahead by up to L - 1 points: not causal.
    """
    windows, length = values.shape
    total, count = np.zeros(points), np.zeros(points)
    for place in range(length):
        total[place : place + windows] += values[:, place]
        count[place : place + windows] += 1
    return total / count
