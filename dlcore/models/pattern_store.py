"""Training values of a series that windows are compared with: shared by detectors of nearest windows."""

import math

import torch
from torch import Tensor, nn

MOST_CANDIDATES, COMPARISONS = 5_000, 10**9
"""Largest number of stored windows that one window is compared with, and of pairs with all training windows; more are
thinned evenly."""
GATHERED = 10**10
"""Largest number of stored values that all training windows are compared with at the same time of the period."""


class PatternStore(nn.Module):
    """Base class of modules that compare windows of `length` points with those of the training split.

    The index of a point is its position in the series of the training split, -1 for another series. Candidates of a
    window are stored windows that end at the same time of the period, up to `tolerance` points; all if `places` is 1.
    """

    bank: Tensor
    ends: Tensor
    first_place: Tensor

    def __init__(self, *, length: int, places: int, points: int, tolerance: int) -> None:
        """`places` is the number of points in a period (1: none), `points` that of the training split."""
        super().__init__()
        self.length, self.places, self.tolerance = length, places, tolerance
        self.register_buffer("bank", torch.zeros(points))
        self.register_buffer("ends", torch.zeros(points, dtype=torch.bool))  # points at which a stored window ends
        self.register_buffer("first_place", torch.zeros(1, dtype=torch.int64))  # of the first stored point
        self._table: Tensor | None = None

    def store(self, values: Tensor, is_usable: Tensor, *, first_place: int) -> None:
        """Store the training values (T,); windows with usable points (T,) only serve as neighbors."""
        self.bank.copy_(values)
        self.ends.zero_()
        if len(values) >= self.length:
            self.ends[self.length - 1 :] = is_usable.unfold(0, self.length, 1).all(dim=1)
        self.first_place.fill_(first_place)
        self._table = None

    def candidates(self) -> Tensor:
        """Ends (P, C) of the stored windows to compare with at each place in the period, padded with -1."""
        if self._table is None or self._table.device != self.bank.device:
            ends = self.ends.nonzero()[:, 0]
            place = (ends + self.first_place) % self.places
            groups = ends[place.argsort(stable=True)].split(torch.bincount(place, minlength=self.places).tolist())
            reach = min(self.tolerance, (self.places - 1) // 2)
            most = min(MOST_CANDIDATES, COMPARISONS // max(1, len(self.bank)))
            if self.places > 1:  # not by matrix products
                most = max(1, min(most, GATHERED // (len(self.bank) * self.length)))
            rows = []
            for current in range(self.places):
                near = [groups[(current + shift) % self.places] for shift in range(-reach, reach + 1)]
                rows.append(_thin(torch.cat(near).sort().values, self.length * len(near), most))
            self._table = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-1)
            if not self._table.shape[1]:
                self._table = torch.full((self.places, 1), -1, device=ends.device)
        return self._table

    def is_excluded(self, end: Tensor, candidates: Tensor, *, gap: int) -> Tensor:
        """Mask (N, C) of candidates (N, C) that are padding or end less than `gap` points from a window's end (N,)."""
        excluded = candidates < 0
        if gap:
            excluded |= (end[:, None] >= 0) & ((end[:, None] - candidates).abs() < gap)
        # A short training split: better a neighbor than none.
        return excluded & ~excluded.all(dim=1, keepdim=True)


def _thin(ends: Tensor, phases: int, most: int) -> Tensor:
    """At most `most` evenly spaced ends, with a stride coprime to `phases` to cover all of them."""
    stride = -(-len(ends) // most)
    while stride > 1 and math.gcd(stride, phases) > 1:
        stride += 1
    return ends[:: max(1, stride)]
