"""Samples of a file: times, values and labels of its rows, before and after repairs."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Samples:
    """times (T,) int64 epoch milliseconds; values (T, V) float64, NaN if missing; labels (T,) bool or None; rows (T,)
    int64 row numbers in the file, 0 for a row that a repair inserted."""

    times: np.ndarray
    values: np.ndarray
    labels: np.ndarray | None
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.times)

    def take(self, index: np.ndarray | slice) -> "Samples":
        """Select rows by index or mask."""
        labels = None if self.labels is None else self.labels[index]
        return Samples(self.times[index], self.values[index], labels, self.rows[index])

    def with_values(self, values: np.ndarray) -> "Samples":
        """Replace the values (T, V)."""
        return replace(self, values=values)

    def where(self, at: int) -> str:
        """Name the row of a sample for a message."""
        return f"row {self.rows[at]}" if self.rows[at] else f"before row {self._next_row(at)}"

    def _next_row(self, at: int) -> int:
        later = np.flatnonzero(self.rows[at:])
        return int(self.rows[at + later[0]]) if len(later) else int(self.rows.max())


def format_time(milliseconds: int) -> str:
    """Format epoch milliseconds for a message."""
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")


def parse_limit(repair: str) -> int | None:
    """Return the number of `interpolate:6`; None without a number.

    Raises:
        ConfigError: The part after the colon is not a whole number.
    """
    from dlcore.core.errors import ConfigError

    _, colon, number = repair.partition(":")
    if not colon:
        return None
    if not number.strip().isdigit() or int(number) < 1:
        raise ConfigError(f"--repair {repair[:40]}: write a number of rows after the colon, as interpolate:6.")
    return int(number)


def longest_run(mask: np.ndarray) -> slice:
    """Return the longest run of true values in a mask (T,)."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return slice(0, 0)
    longest = int(np.argmax(stops - starts))
    return slice(int(starts[longest]), int(stops[longest]))
