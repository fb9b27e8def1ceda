"""Detectors of unusual windows with one interface: `fit` on the training part, then `distances` of any windows.

A detector gives every window of L consecutive points one score; `score_series` converts them to a causal and a centered
score per point. Values are scaled by the training part, and windows longer than `RESOLUTION` are averaged over
neighboring points, so distances cost O(N C) matrix products of at most `RESOLUTION` columns. Source of the names:
Paparrizos et al., "TSB-UAD", PVLDB 15(8), 2022.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation.smoothing import centered_mean, trailing_mean

RESOLUTION = 64
"""Largest number of values of a window; longer windows are averaged over neighboring points."""
MOST_CANDIDATES, COMPARISONS = 5_000, 10**9
"""Largest number of training windows that one window is compared with, and of pairs; more are thinned evenly."""
LEAST_WINDOW, MOST_WINDOW, MULTIPLE = 8, 336, 4
WINDOWS_PER_SERIES = 40
"""A window is by default this part of a series: labeled events last a few hundredths of one."""
CHUNK = 2**22
"""Distances in memory at once."""
LEAST_SPREAD = 0.1
"""Lower bound of a window's standard deviation in z-normalization, in units of the training part's."""


@dataclass(frozen=True)
class Scores:
    """Scores of n points (n,) float64: `causal` uses no later point, `centered` may look ahead."""

    causal: np.ndarray
    centered: np.ndarray


class Detector(ABC):
    """Scores windows of `length` points by their distance from training windows; `seed` is that of random choices.

    `size` is the number of neighbors, clusters or trees. `holds_out`: a training window is scored as a new one is.
    """

    size: ClassVar[int] = 0
    holds_out: ClassVar[bool] = False

    def __init__(self, length: int, *, seed: int = 0, exclude_self: bool = True, size: int = 0) -> None:
        """`exclude_self`: a training window is never compared with windows that overlap it, as a new one is not.

        Without it training points score lower than new ones: the protocol of TSB-AD, which fits and scores one series.
        `size` 0: that of the class.
        """
        self.length, self.seed, self.exclude_self = length, seed, exclude_self
        self.count = size or self.size
        self.mean, self.scale = 0.0, 1.0

    def fit(self, values: np.ndarray, train: np.ndarray) -> Self:
        """Fit on the windows of values (N,) with points in `train` (N,) only.

        Raises:
            DataError: no window lies in the training part.
        """
        _check(values, train)
        self.mean, self.scale = float(values[train].mean()), float(values[train].std()) or 1.0
        starts = np.flatnonzero(trailing_mean(train, self.length)[self.length - 1 :] == 1)
        if not len(starts):
            raise DataError(f"the training part has no window of {self.length} points: use a shorter window.")
        self.starts = thin(starts, min(MOST_CANDIDATES, COMPARISONS // len(values)), self.length)
        windows = self.windows(values)[self.starts]
        self.bank = self._normalize(windows)
        self._fit(windows)
        return self

    def distances(self, values: np.ndarray, *, is_new: bool = False) -> np.ndarray:
        """Return one score (N - L + 1,) per window of values (N,); `is_new`: not the series that `fit` saw."""
        if not self._fits(values):
            return np.zeros(0)
        windows = self.windows(values)
        places = np.full(len(windows), -1) if is_new else np.arange(len(windows))
        return self._distances(windows, self._places(places))

    def score_windows(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return one score (N,) per window (N, L); `starts` (N,) are first points, negative for another series."""
        return self._distances(self._coarsen(windows), self._places(starts))

    def nearest(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return the first point (N,) of the training window most similar to each window (N, L)."""
        scaled, places = self._normalize(self._coarsen(windows)), self._places(starts)
        squared = (self.bank**2).sum(axis=1) - 2 * scaled @ self.bank.T
        squared[np.abs(places[:, None] - self.starts) < self.length] = np.inf
        return np.asarray(self.starts[squared.argmin(axis=1)])

    def _places(self, starts: np.ndarray) -> np.ndarray:
        return np.where((starts < 0) | (not self.exclude_self), -self.length, starts)

    def _coarsen(self, windows: np.ndarray) -> np.ndarray:
        """Return windows (N, L) scaled and averaged (N, D), as `windows` does for those of a series."""
        bins = -(-self.length // RESOLUTION)
        whole = windows[:, self.length % bins :].reshape(len(windows), -1, bins).mean(axis=2)
        return np.ascontiguousarray((whole - self.mean) / self.scale, np.float32)

    def _normalize(self, windows: np.ndarray) -> np.ndarray:
        return windows

    def windows(self, values: np.ndarray) -> np.ndarray:
        """Return the scaled windows (N - L + 1, D) of values (N,) in float32; D is at most `RESOLUTION`."""
        scaled, bins = (values - self.mean) / self.scale, -(-self.length // RESOLUTION)
        coarse = trailing_mean(scaled, bins).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(coarse, self.length)
        return np.ascontiguousarray(windows[:, np.arange(self.length - 1, bins - 2, -bins)[::-1]])

    def _fits(self, values: np.ndarray) -> bool:
        return len(values) >= self.length

    def _fit(self, windows: np.ndarray) -> None:  # noqa: B027 (optional: neighbors need the bank only)
        """Fit on training windows (C, D), besides `bank` (C, D) and its first points `starts` (C,)."""

    @abstractmethod
    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Score windows (N, D) with first points (N,), those of another series far from all."""


class NearestNeighbors(Detector):
    """Sub-sequence k-nearest neighbors (KNN): mean distance from the three nearest training windows."""

    size: ClassVar[int] = 3
    holds_out: ClassVar[bool] = True

    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return nearest_distance(
            self._normalize(windows),
            self.bank,
            places=(starts, self.starts),
            min_gap=self.length,
            neighbors=self.count,
        )


class NormalizedNeighbors(NearestNeighbors):
    """KNN of z-normalized windows, which ignores level and amplitude."""

    @property
    def least_spread(self) -> float:
        """Lower bound of a window's standard deviation in the series' units."""
        return LEAST_SPREAD * self.scale

    def _normalize(self, windows: np.ndarray) -> np.ndarray:
        spread = np.maximum(windows.std(axis=1, keepdims=True), LEAST_SPREAD)
        normalized: np.ndarray = (windows - windows.mean(axis=1, keepdims=True)) / spread
        return normalized


class MatrixProfile(NormalizedNeighbors):
    """Matrix profile: z-normalized distance from the single nearest training window (an AB-join; in training a
    self-join with the exclusion zone of one window). Source: Yeh et al., "Matrix profile I", ICDM 2016.
    """

    size: ClassVar[int] = 1


class KMeansWindows(Detector):
    """Distance from the nearest of up to 16 k-means centers of training windows."""

    size: ClassVar[int] = 16

    def _fit(self, windows: np.ndarray) -> None:
        from sklearn.cluster import KMeans

        count = min(self.count, len(np.unique(windows, axis=0)))
        self.centers = KMeans(count, n_init=3, random_state=self.seed).fit(windows).cluster_centers_

    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        far = np.full(len(self.centers), -self.length)
        return nearest_distance(windows, self.centers, places=(starts, far), min_gap=0, neighbors=1)


class PrincipalComponents(Detector):
    """Reconstruction error by the principal components that explain 90 % of the training windows' variance."""

    share: ClassVar[float] = 0.9

    def _fit(self, windows: np.ndarray) -> None:
        self.center = windows.mean(axis=0)
        _, sizes, axes = np.linalg.svd(windows - self.center, full_matrices=False)
        explained = np.cumsum(sizes**2) / max(float((sizes**2).sum()), 1e-12)
        self.axes = axes[: int(np.searchsorted(explained, self.share)) + 1]

    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        offset = windows.astype(np.float64) - self.center
        return np.asarray(np.sqrt(((offset - offset @ self.axes.T @ self.axes) ** 2).mean(axis=1)))


class IsolationForestWindows(Detector):
    """Isolation forest of 100 trees on training windows (Liu et al., ICDM 2008)."""

    size: ClassVar[int] = 100

    def _fit(self, windows: np.ndarray) -> None:
        from sklearn.ensemble import IsolationForest

        self.forest = IsolationForest(n_estimators=self.count, random_state=self.seed).fit(windows)

    def _distances(self, windows: np.ndarray, starts: np.ndarray) -> np.ndarray:
        return -np.asarray(self.forest.score_samples(windows), np.float64)


DETECTORS: dict[str, type[Detector]] = {
    "knn": NearestNeighbors,
    "knn_z": NormalizedNeighbors,
    "matrix_profile": MatrixProfile,
    "kmeans": KMeansWindows,
    "pca": PrincipalComponents,
    "isolation_forest": IsolationForestWindows,
}


def window_length(points: int) -> int:
    """Return the default window length for a series of `points`: a fortieth of it, 8 to 336, a multiple of 4."""
    return max(LEAST_WINDOW, min(MOST_WINDOW, points // WINDOWS_PER_SERIES) // MULTIPLE * MULTIPLE)


def score_series(detector: Detector, values: np.ndarray, *, smooth: int = 1, is_new: bool = False) -> Scores:
    """Return the scores of each point of values (N,) from a fitted detector.

    Causal: the window that ends at the point (0 before the first whole one), with a trailing mean of `smooth` points.
    Centered: the mean over all windows with the point, with a centered mean.
    """
    distances = detector.distances(values, is_new=is_new)
    if not len(distances):
        return Scores(np.zeros(len(values)), np.zeros(len(values)))
    head = np.zeros(detector.length - 1)
    causal = np.r_[head, trailing_mean(distances, smooth)]
    centered = centered_mean(mean_of_windows(distances, detector.length), smooth)
    return Scores(causal, centered)


def mean_of_windows(distances: np.ndarray, length: int) -> np.ndarray:
    """Return the mean (N,) of the scores (N - L + 1,) of all windows of `length` points with each point."""
    count, points = len(distances), np.arange(len(distances) + length - 1)
    low, high = np.maximum(points - length + 1, 0), np.minimum(points + 1, count)
    total = np.r_[0.0, np.cumsum(distances - distances[0])]
    mean: np.ndarray = distances[0] + (total[high] - total[low]) / (high - low)
    return mean


def nearest_distance(
    windows: np.ndarray,
    bank: np.ndarray,
    *,
    places: tuple[np.ndarray, np.ndarray],
    min_gap: int,
    neighbors: int,
) -> np.ndarray:
    """Return the mean root mean squared difference (N,) of windows (N, D) from their nearest stored ones (C, D).

    `places` are the first points of both, (N,) and (C,): windows less than `min_gap` apart are not compared. A window
    that can be compared with none has the largest distance of the others.
    """
    sizes, squares = np.einsum("ij,ij->i", bank, bank), np.einsum("ij,ij->i", windows, windows)
    neighbors, result = min(neighbors, len(bank)), np.empty(len(windows))
    rows = max(1, CHUNK // len(bank))
    for start in range(0, len(windows), rows):
        part = slice(start, start + rows)
        squared = squares[part, None] - 2 * windows[part] @ bank.T + sizes
        if min_gap and (places[0][part] >= 0).any():
            squared[np.abs(places[0][part, None] - places[1]) < min_gap] = np.inf
        nearest_places = (
            np.argpartition(squared, neighbors - 1, axis=1)[:, :neighbors]
            if neighbors > 1
            else squared.argmin(axis=1)[:, None]
        )
        is_known = np.isfinite(np.take_along_axis(squared, nearest_places, axis=1))
        # again from the differences: products of matrices round by the number of their rows
        nearest = ((windows[part, None].astype(np.float64) - bank[nearest_places]) ** 2).sum(axis=2)
        total = np.sort(np.sqrt(np.where(is_known, nearest, 0.0)), axis=1).sum(axis=1)
        count = is_known.sum(axis=1)
        result[part] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    known = np.isfinite(result)
    largest = result[known].max() if known.any() else 0.0
    return np.where(known, result, largest) / math.sqrt(windows.shape[1])


def thin(places: np.ndarray, most: int, length: int) -> np.ndarray:
    """Return about `most` evenly spaced places, with a stride coprime to `length` to cover all its phases."""
    stride = -(-len(places) // max(most, 1)) if len(places) else 1
    while stride > 1 and math.gcd(stride, length) > 1:
        stride += 1
    return places[::stride]


def _check(values: np.ndarray, train: np.ndarray) -> None:
    if values.shape != train.shape or not train.any():
        raise DataError(
            f"a detector needs one value per point, and training points: {values.shape} values, {train.shape} points, "
            f"{int(train.sum())} of them for training."
        )
