"""Grids of times: even steps, months and business days, and the positions of times on them."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

DAY_MS = 86_400_000
OFF_GRID = 0.3
"""A step is off the grid if it differs from a multiple of the usual step by more than this share of it."""


@dataclass(frozen=True)
class Grid:
    """The usual step between times: `step` in milliseconds, months or business days."""

    kind: Literal["even", "month", "business"]
    step: int

    def positions(self, times: np.ndarray) -> np.ndarray:
        """Positions (T,) of rising times (T,) in steps, at least one apart."""
        if self.kind == "month":
            months = _months(times)
            return (months - months[0]) // self.step
        if self.kind == "business":
            days = (times + DAY_MS // 2).astype("datetime64[ms]").astype("datetime64[D]")
            return np.busday_count(days[0], days)
        return np.r_[0, np.cumsum(np.maximum(1, np.round(np.diff(times) / self.step)))].astype(np.int64)

    def count_uneven(self, times: np.ndarray) -> tuple[int, int]:
        """Return how many steps are no multiple of the usual one, and the index of the first time after such a step."""
        if self.kind != "even":
            return 0, 0
        steps = np.diff(times) / self.step
        off = np.abs(steps - np.maximum(1, np.round(steps))) > OFF_GRID
        return int(off.sum()), int(np.argmax(off)) + 1

    def times_at(self, times: np.ndarray, positions: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Times (n,) int64 of the positions `places` (n,) between those (T,) of known times (T,)."""
        if self.kind == "month":
            offset = times[0] - _month_start(_months(times[:1]))[0]
            month = _months(times[:1])[0] + places * self.step
            is_end = (_month_start(_months(times) + 1) - times <= DAY_MS).all() and np.ptp(_offsets(times)) > DAY_MS
            return _month_start(month + 1) - DAY_MS if is_end else _month_start(month) + offset
        if self.kind == "business":
            first = (times[0] + DAY_MS // 2) // DAY_MS
            days = np.busday_offset(np.datetime64(int(first), "D"), places, roll="forward")
            return days.astype("datetime64[ms]").astype(np.int64) + times[0] - first * DAY_MS
        return np.round(np.interp(places, positions, times)).astype(np.int64)


def find_grid(times: np.ndarray) -> Grid:
    """Find the grid of rising times (T,): months of unequal length and business days count as even steps."""
    steps = np.diff(times)
    step = int(np.median(steps))
    if step >= 28 * DAY_MS:
        months = np.diff(_months(times))
        usual = int(np.median(months))
        offsets = _offsets(times)
        is_end = (_month_start(_months(times) + 1) - times <= DAY_MS * 1.5).all()
        if usual >= 1 and (months >= 1).all() and (months % usual == 0).all() and (np.ptp(offsets) <= DAY_MS or is_end):
            return Grid("month", usual)
    if step == DAY_MS and (steps % DAY_MS == 0).all():
        weekday = ((times + DAY_MS // 2) // DAY_MS + 3) % 7
        if (weekday < 5).all() and (steps == 3 * DAY_MS).sum() >= max(1, len(times) // 10):
            return Grid("business", 1)
    return Grid("even", max(1, step))


def _months(times: np.ndarray) -> np.ndarray:
    middays = times + DAY_MS // 2  # a local midnight may lie in the month before in UTC
    months: np.ndarray = middays.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return months


def _month_start(months: np.ndarray) -> np.ndarray:
    starts: np.ndarray = months.astype("datetime64[M]").astype("datetime64[ms]").astype(np.int64)
    return starts


def _offsets(times: np.ndarray) -> np.ndarray:
    return times - _month_start(_months(times))
