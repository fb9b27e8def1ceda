"""Sliding windows of a series, and the mean over windows per time point."""

import numpy as np
import torch
from torch import Tensor


def sliding_windows(features: np.ndarray, length: int) -> Tensor:
    """Return all windows of features (T, F) as a view (T - length + 1, length, F)."""
    return torch.from_numpy(np.ascontiguousarray(features)).unfold(0, length, 1).transpose(1, 2)


class PointwiseMean:
    """The mean of each time point over the windows that contain it, from batches of consecutive windows.

    Window i begins at point i. The mean depends on up to length - 1 later points: it is not causal.
    """

    def __init__(self, points: int, *, series: tuple[int, ...] = ()) -> None:
        """`series` is the shape of a value at one point."""
        self.total, self.count, self.next = np.zeros((points, *series)), np.zeros(points), 0

    def add(self, values: np.ndarray) -> None:
        """Add the values (n, L, ...) of the next n windows."""
        windows, length = values.shape[:2]
        for offset in range(length):
            rows = slice(self.next + offset, self.next + offset + windows)
            self.total[rows] += values[:, offset]
            self.count[rows] += 1
        self.next += windows

    @property
    def means(self) -> np.ndarray:
        """The means (points, ...)."""
        return self.total / np.maximum(self.count, 1).reshape(-1, *[1] * (self.total.ndim - 1))
