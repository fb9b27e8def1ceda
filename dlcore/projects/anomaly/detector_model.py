"""Models without training epochs: a detector of `evaluation.detectors` behind the interface of a network.

The module stores the training values and fits its detector on them when it is first used, so that a bundle holds the
values only, and a loaded run gives the same scores.
"""

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.evaluation.detectors import DETECTORS, Detector, NormalizedNeighbors
from dlcore.evaluation.seasonal_detector import SeasonalMedian

SEASONAL_MEDIAN = "seasonal_median"
CLASSES: dict[str, type[Detector]] = {**DETECTORS, SEASONAL_MEDIAN: SeasonalMedian}
"""Detectors that can be trained as models, by name."""


class DetectorConfig(Config):
    """A detector without settings."""

    @property
    def options(self) -> dict[str, int | bool]:
        """Arguments of the detector."""
        return self.model_dump()


class ProfileConfig(DetectorConfig):
    """Self-matches."""

    exclude_self: bool = choice(
        True,
        help="Never compare a training window with itself or one that overlaps it. Off: the protocol of TSB-AD, which "
        "scores training points lower than new ones.",
    )


class NeighborsConfig(ProfileConfig):
    """Number of neighbors, and self-matches."""

    size: int = number(3, low=1, high=50, help="Nearest training windows whose mean distance is the score.")


class ClustersConfig(DetectorConfig):
    """Number of clusters."""

    size: int = number(16, low=1, high=200, help="K-means centers of the training windows.")


class TreesConfig(DetectorConfig):
    """Number of trees."""

    size: int = number(100, low=10, high=500, help="Random trees, grown on training windows.")


CONFIGS: dict[str, type[DetectorConfig]] = {
    "knn": NeighborsConfig,
    "knn_z": NeighborsConfig,
    "matrix_profile": ProfileConfig,
    "kmeans": ClustersConfig,
    "isolation_forest": TreesConfig,
}


class DetectorModel(nn.Module):
    """(N, L, F) windows, (N, L) indices, (N,) offsets -> (N, 1, L): the most similar training window.

    `score` returns the detector's score of each window. Feature 0 is the value; indices and offsets are those of
    `NearestWindows`. The seasonal median returns the medians at the same places of the period.
    """

    bank: Tensor
    usable: Tensor
    first_place: Tensor
    seed: Tensor

    def __init__(self, name: str, config: DetectorConfig, *, window: int, places: int, points: int) -> None:
        """`places` is the number of points in a period (1: none), `points` that of the training split."""
        super().__init__()
        options = config.options | ({"size": places} if name == SEASONAL_MEDIAN else {})
        self.detector = CLASSES[name](window, **options)  # type: ignore[arg-type]
        self.is_fitted = False
        self.register_buffer("bank", torch.zeros(points))
        self.register_buffer("usable", torch.ones(points, dtype=torch.bool))
        self.register_buffer("first_place", torch.zeros(1, dtype=torch.int64))
        self.register_buffer("seed", torch.randint(2**31, (1,)))  # of clusters and trees, by the seed of the run
        self.register_load_state_dict_post_hook(lambda module, keys: setattr(module, "is_fitted", False))

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T,), and which of them count."""
        self.bank.copy_(values)
        self.usable.copy_(is_usable)
        self.first_place.fill_(first_place)
        self.is_fitted = False

    def score(self, window: Tensor, index: Tensor, offset: Tensor) -> np.ndarray:
        """(N, L, F), (N, L), (N,) -> (N,) float64."""
        detector = self._fit()
        return detector.score_windows(_values(window), self._starts(index, offset))

    def forward(self, window: Tensor, index: Tensor, offset: Tensor) -> Tensor:
        """(N, L, F), (N, L), (N,) -> (N, 1, L). A z-normalized neighbor has the mean and deviation of its window."""
        detector, values, starts = self._fit(), window[:, :, 0], self._starts(index, offset)
        if isinstance(detector, SeasonalMedian):
            return torch.from_numpy(detector.expected(starts)).to(values)[:, None]
        first = torch.from_numpy(detector.nearest(_values(window), starts)).to(self.bank.device)
        nearest = self.bank[first[:, None] + torch.arange(values.shape[1], device=first.device)]
        if isinstance(detector, NormalizedNeighbors):
            least = detector.least_spread
            (mean, spread), (old_mean, old_spread) = _moments(values, least), _moments(nearest, least)
            nearest = mean + (nearest - old_mean) / old_spread * spread
        return nearest[:, None]

    def _fit(self) -> Detector:
        """Fit the detector on the stored values, once."""
        if not self.is_fitted:
            values, usable = self.bank.cpu().numpy().astype(np.float64), self.usable.cpu().numpy()
            if isinstance(self.detector, SeasonalMedian):  # begin with a period
                missing = int(self.first_place) % max(1, self.detector.count)
                values, usable = np.r_[np.zeros(missing), values], np.r_[np.zeros(missing, bool), usable]
            self.detector.seed = int(self.seed)
            self.detector.fit(values, usable)
            self.is_fitted = True
        return self.detector

    def _starts(self, index: Tensor, offset: Tensor) -> np.ndarray:
        """Return the start (N,) of each window: its place in the period, or its index in the training series."""
        is_seasonal = isinstance(self.detector, SeasonalMedian)
        return np.asarray((offset if is_seasonal else index[:, 0]).cpu().numpy())


def _values(window: Tensor) -> np.ndarray:
    return np.asarray(window[:, :, 0].detach().cpu().numpy().astype(np.float64))


def _moments(values: Tensor, least: float) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (N, 1) of windows (N, L), at least `least`."""
    return values.mean(dim=1, keepdim=True), values.std(dim=1, correction=0, keepdim=True).clamp(min=least)
