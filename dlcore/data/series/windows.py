"""Windows of a series, and what is said of windows turned back into one number per time point."""

import numpy as np
import torch
from torch import Tensor


def sliding_windows(features: np.ndarray, length: int) -> Tensor:
    """(T, F) -> (T - length + 1, length, F): every window, as a view that costs no memory."""
    return torch.from_numpy(np.ascontiguousarray(features)).unfold(0, length, 1).transpose(1, 2)


class PointwiseMean:
    """The mean of each point over the windows that hold it, from windows that come a few at a time.

    Window i begins at point i, so there are points - length + 1 of them. A mean looks ahead by up to length - 1
    points: it is not causal.
    """

    def __init__(self, points: int, *, series: tuple[int, ...] = ()) -> None:
        """`series` is the shape of what is told of each place, beside (points,)."""
        self.total, self.count, self.next = np.zeros((points, *series)), np.zeros(points), 0

    def add(self, values: np.ndarray) -> None:
        """(n, L, ...) what the next n windows say of their places."""
        windows, length = values.shape[:2]
        for place in range(length):
            rows = slice(self.next + place, self.next + place + windows)
            self.total[rows] += values[:, place]
            self.count[rows] += 1
        self.next += windows

    @property
    def means(self) -> np.ndarray:
        """(points, ...)."""
        return self.total / np.maximum(self.count, 1).reshape(-1, *[1] * (self.total.ndim - 1))
