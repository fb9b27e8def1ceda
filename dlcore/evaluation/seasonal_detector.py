"""The seasonal median as a detector of windows."""

from typing import Self

import numpy as np

from dlcore.evaluation.baselines import slot_statistics
from dlcore.evaluation.detectors import Detector


class SeasonalMedian(Detector):
    """Mean distance of a window's points from the training medians of their places in a period of `size` points.

    First points of windows stand for their places in the period.
    """

    def fit(self, values: np.ndarray, train: np.ndarray) -> Self:
        """Fit on the training points of values (N,); the first one begins a period."""
        self.medians, _, _ = slot_statistics(np.arange(len(values)), values, train, max(1, self.count))
        return self

    def windows(self, values: np.ndarray) -> np.ndarray:
        """Return the windows (N - L + 1, L) of values (N,)."""
        return np.lib.stride_tricks.sliding_window_view(values, self.length)

    def expected(self, starts: np.ndarray) -> np.ndarray:
        """Return the medians (N, L) of windows whose first points have the places (N,) in the period."""
        return np.asarray(self.medians[(starts[:, None] + np.arange(self.length)) % len(self.medians)])

    def _places(self, starts: np.ndarray) -> np.ndarray:
        return starts

    def _coarsen(self, windows: np.ndarray) -> np.ndarray:
        return windows

    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(windows - self.expected(starts)).mean(axis=1))
