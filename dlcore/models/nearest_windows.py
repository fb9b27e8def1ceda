"""Detector without trainable weights: the most similar training windows reconstruct each window."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.models.pattern_store import PatternStore

CHUNK = 2**24
"""Values of gathered windows in memory at once."""
FLATNESS = 1 / 25
"""A stretch is flat if its variance is below this share of the smallest one in training."""
LEAST_VARIANCE = 1e-12
"""A training part with a variance below this, in units of its range, has flat stretches itself."""


class NearestWindowsConfig(Config):
    """Number of neighbors, window lengths, and tolerance of the alignment in the period."""

    neighbors: int = number(3, low=1, high=20, help="Nearest training windows whose mean is the reconstruction.")
    scales: int = number(3, low=1, high=3, help="Window lengths: the whole window, its half, its quarter.")
    tolerance: int = number(
        2, low=0, high=12, unit="points", help="Windows are compared at the same time of the period, up to this shift."
    )
    use_period: bool = choice(True, help="Compare at the same time of the period only; off: at all times.")
    remove_mean: bool = choice(
        False, help="Subtract each window's mean before it is compared: a new level alone is no anomaly."
    )
    mark_flat: bool = choice(
        False, help="Half a window that is much flatter than any of training is an anomaly, such as a stuck sensor."
    )
    exclude_self: bool = choice(
        True,
        help="Never compare a training window with itself or one that overlaps it. Off: the protocol of TSB-AD, which "
        "scores training points lower than new ones.",
    )


class NearestWindows(PatternStore):
    """(N, L, F) windows, (N, L) indices, (N,) offsets -> (N, M, L): the value as reconstructed at M window lengths.

    Feature 0 is the value. The reconstruction of the last L / 2^m points is the mean of the nearest stored windows that
    end at the same time of the period (all stored windows, if the series has none); earlier points are returned
    unchanged. The index of a point is its position in the series of the training split, -1 for another series: windows
    that overlap the compared one are not its neighbors, so a training window is never compared with itself, unless
    `exclude_self` is off.

    One length without `use_period` is sub-sequence KNN (Paparrizos et al., "TSB-UAD", PVLDB 15(8), 2022); several with
    `remove_mean` are the default detector of series without a period.

    Similar to the left matrix profile without z-normalization (Yeh et al., "Matrix profile I", ICDM 2016), restricted
    to one time of the period.
    """

    largest: Tensor
    flat: Tensor

    def __init__(self, config: NearestWindowsConfig, *, window: int, places: int, points: int) -> None:
        """`places` is the number of points in a period (1: none), `points` that of the training split."""
        super().__init__(
            length=window, places=places if config.use_period else 1, points=points, tolerance=config.tolerance
        )
        self.neighbors = config.neighbors
        self.remove_mean, self.exclude_self = config.remove_mean, config.exclude_self
        self.lengths = tuple(max(1, window >> scale) for scale in range(config.scales))
        self.mark_flat = config.mark_flat
        self.register_buffer("largest", torch.zeros(1))  # root of the largest training error, for `record_scores`
        self.register_buffer("flat", torch.zeros(1))  # variance below which half a window is flat; 0: never

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        for name in ("largest", "flat"):
            state_dict.setdefault(f"{prefix}{name}", torch.zeros(1))  # weights of earlier versions lack them
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T,), as `PatternStore` does, and the smallest variance of half a window."""
        super().store(values, is_usable, first_place=first_place)
        known = is_usable.unfold(0, self.length, 1).all(dim=1) if len(values) >= self.length else is_usable[:0]
        if self.mark_flat and known.any():
            least = float(self._variances(values)[self.length - 1 :][known].min())
            self.flat.fill_(FLATNESS * least if least > LEAST_VARIANCE else 0.0)

    def is_flat(self, values: Tensor) -> Tensor:
        """Whether the half window that ends at each of values (T,) is flat: (T,), false before the first one."""
        return self._variances(values) < self.flat.double()

    def _variances(self, values: Tensor) -> Tensor:
        """Variance (T,) of the half window that ends at each of values (T,); infinite before the first one."""
        half = max(1, self.length // 2)
        if len(values) < half:
            return torch.full((len(values),), math.inf, dtype=torch.float64)
        known = values.double().unfold(0, half, 1).var(dim=1, correction=0)
        return nn.functional.pad(known, (half - 1, 0), value=math.inf)

    def forward(self, window: Tensor, index: Tensor, offset: Tensor) -> Tensor:
        """(N, L, F), (N, L), (N,) -> (N, M, L)."""
        values, length = window[:, :, 0], window.shape[1]
        table = self.candidates()
        rows = max(1, CHUNK // (table.shape[1] * length if self.places > 1 else table.shape[1]))
        place = (offset + length - 1) % self.places
        return torch.cat(
            [
                self._reconstruct(values[start : start + rows], index[start : start + rows, -1], table[place_rows])
                for start, place_rows in zip(range(0, len(values), rows), place.split(rows), strict=True)
            ]
        )

    def _reconstruct(self, values: Tensor, end: Tensor, candidates: Tensor) -> Tensor:
        """(N, L) values, (N,) indices of the last points, (N, C) ends of stored windows -> (N, M, L)."""
        length = values.shape[1]
        is_excluded = self.is_excluded(end, candidates, gap=length if self.exclude_self else 0)
        rebuilt = values[:, None].repeat(1, len(self.lengths), 1)
        for scale, part in enumerate(self.lengths):
            stored = self.bank.unfold(0, part, 1)  # (T - part + 1, part)
            recent, first = values[:, length - part :], (candidates - part + 1).clamp(min=0)
            level = recent.mean(dim=1, keepdim=True) if self.remove_mean else torch.zeros_like(recent[:, :1])
            recent = recent - level
            distance = self._distances(recent, stored, first).masked_fill(is_excluded, math.inf)  # (N, C)
            nearest = distance.topk(min(self.neighbors, distance.shape[1]), dim=1, largest=False)
            weights = nearest.values.isfinite().to(values)
            windows = self._without_mean(stored[first.gather(1, nearest.indices)])  # (N, k, part)
            mean = (windows * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True)
            rebuilt[:, scale, length - part :] = mean + level
        return rebuilt

    def _distances(self, recent: Tensor, stored: Tensor, first: Tensor) -> Tensor:
        """Squared distances (N, C) of windows (N, part) to the stored ones that begin at `first` (N, C)."""
        if self.places > 1:
            return (recent[:, None] - self._without_mean(stored[first])).square().sum(dim=2)
        every = self._without_mean(stored[first[0]])  # without a period all windows have the same candidates
        return (recent.square().sum(1, keepdim=True) - 2 * recent @ every.T + every.square().sum(1)).clamp(min=0)

    def _without_mean(self, windows: Tensor) -> Tensor:
        """Windows (..., part) minus their means, with `remove_mean`."""
        return windows - windows.mean(dim=-1, keepdim=True) if self.remove_mean else windows


class NearestWindowsByColumn(nn.Module):
    """Nearest windows of each of V columns by themselves: (N, L, V + F) windows -> (N, V M, L), columns one by one."""

    def __init__(self, detectors: Sequence[NearestWindows]) -> None:
        super().__init__()
        self.detectors = nn.ModuleList(detectors)

    def __len__(self) -> int:
        return len(self.detectors)

    def __getitem__(self, column: int) -> NearestWindows:
        return cast(NearestWindows, self.detectors[column])

    def __iter__(self) -> Iterator[NearestWindows]:
        return (self[column] for column in range(len(self)))

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T, V), as `PatternStore` does."""
        for detector, column in zip(self, values.T, strict=True):
            detector.store(column, is_usable, first_place=first_place)

    def forward(self, window: Tensor, index: Tensor, offset: Tensor) -> Tensor:
        """(N, L, V + F), (N, L), (N,) -> (N, V M, L)."""
        return torch.cat([part(window[:, :, column:], index, offset) for column, part in enumerate(self)], dim=1)
