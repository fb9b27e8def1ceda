"""Detector without trainable weights: the most similar training windows reconstruct each window."""

import math

import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number

MOST_CANDIDATES, COMPARISONS = 5_000, 10**9
"""Largest number of stored windows that one window is compared with, and of pairs with all training windows; more are
thinned evenly."""
CHUNK = 2**24
"""Values of gathered windows in memory at once."""


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
    exclude_self: bool = choice(
        True,
        help="Never compare a training window with itself or one that overlaps it. Off: the protocol of TSB-AD, which "
        "scores training points lower than new ones.",
    )


class NearestWindows(nn.Module):
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

    bank: Tensor
    ends: Tensor
    first_place: Tensor

    def __init__(self, config: NearestWindowsConfig, *, window: int, places: int, points: int) -> None:
        """`places` is the number of points in a period (1: none), `points` that of the training split."""
        super().__init__()
        self.neighbors, self.tolerance = config.neighbors, config.tolerance
        self.places = places if config.use_period else 1
        self.remove_mean, self.exclude_self = config.remove_mean, config.exclude_self
        self.lengths = tuple(max(1, window >> scale) for scale in range(config.scales))
        self.register_buffer("bank", torch.zeros(points))
        self.register_buffer("ends", torch.zeros(points, dtype=torch.bool))  # points at which a stored window ends
        self.register_buffer("first_place", torch.zeros(1, dtype=torch.int64))  # of the first stored point
        self._table: Tensor | None = None

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T,); windows with usable points (T,) only serve as neighbors."""
        length = self.lengths[0]
        self.bank.copy_(values)
        self.ends.zero_()
        if len(values) >= length:
            self.ends[length - 1 :] = is_usable.unfold(0, length, 1).all(dim=1)
        self.first_place.fill_(first_place)
        self._table = None

    def forward(self, window: Tensor, index: Tensor, offset: Tensor) -> Tensor:
        """(N, L, F), (N, L), (N,) -> (N, M, L)."""
        values, length = window[:, :, 0], window.shape[1]
        table = self._candidates()
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
        is_excluded = candidates < 0
        if self.exclude_self:
            is_excluded |= (end[:, None] >= 0) & ((end[:, None] - candidates).abs() < length)
        is_excluded &= ~is_excluded.all(dim=1, keepdim=True)  # a short training split: better a neighbor than none
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

    def _candidates(self) -> Tensor:
        """Ends (P, C) of the stored windows to compare with at each place in the period, padded with -1."""
        if self._table is None or self._table.device != self.bank.device:
            ends = self.ends.nonzero()[:, 0]
            place = (ends + self.first_place) % self.places
            reach = min(self.tolerance, (self.places - 1) // 2)
            most = min(MOST_CANDIDATES, COMPARISONS // max(1, len(self.bank)))
            rows = []
            for current in range(self.places):
                shift = (place - current + self.places // 2) % self.places - self.places // 2
                rows.append(_thin(ends[shift.abs() <= reach], self.lengths[0], most))
            self._table = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
            if not self._table.shape[1]:
                self._table = torch.full((self.places, 1), -1, device=ends.device)
        return self._table


def _thin(ends: Tensor, length: int, most: int) -> Tensor:
    """At most `most` evenly spaced ends, with a stride coprime to `length` to cover all its phases."""
    stride = -(-len(ends) // most)
    while stride > 1 and math.gcd(stride, length) > 1:
        stride += 1
    return ends[:: max(1, stride)]
