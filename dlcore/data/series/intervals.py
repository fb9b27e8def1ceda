"""Time intervals as text, `2014-07-03/2014-07-06` separated by commas, and durations."""

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.grids import DAY_MS

Intervals = tuple[tuple[int, int], ...]
"""Epoch milliseconds, start included, end excluded."""


def parse(text: str, *, name: str) -> Intervals:
    """Parse intervals from text; an end given as a day includes the whole day. `name` is the setting in errors.

    Raises:
        DataError: A part of the text is not an interval.
    """
    intervals = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, slash, last = (side.strip() for side in part.partition("/"))
        start, stop = _parse_time(first), _parse_time(last if slash else first)
        if start is None or stop is None:
            raise DataError(f"{name}: '{part[:60]}' is not a time interval: write it as 2014-07-03/2014-07-06.")
        stop += DAY_MS if len(last or first) <= len("2014-07-06") else 1
        if stop <= start:
            raise DataError(f"{name}: '{part[:60]}' ends before it begins: write the earlier day first.")
        intervals.append((start, stop))
    return tuple(intervals)


def is_inside(times: np.ndarray, intervals: Intervals) -> np.ndarray:
    """Return whether each time (T,), in epoch milliseconds, lies in any of the intervals."""
    inside = np.zeros(len(times), bool)
    for start, stop in intervals:
        inside |= (times >= start) & (times < stop)
    return inside


def _parse_time(text: str) -> int | None:
    """Parse a date or a date and time to epoch milliseconds; None if the text is neither."""
    try:
        stamp = pd.Timestamp(text)
    except (ValueError, OverflowError):
        return None
    if pd.isna(stamp) or stamp.tz is not None or not text[:1].isdigit():
        return None
    return int(stamp.value // 1_000_000)


def format_duration(milliseconds: float) -> str:
    """Format a duration in its largest natural unit: `30 minutes`, `1 week`."""
    for unit, size in (("week", 604_800_000), ("day", DAY_MS), ("hour", 3_600_000), ("minute", 60_000)):
        if milliseconds >= size:
            count = milliseconds / size
            return f"1 {unit}" if count == 1 else f"{count:.4g} {unit}s"
    return f"{milliseconds / 1000:g} seconds"


def describe_step_difference(step_ms: int, trained_ms: int, *, result: str = "Scores") -> str:
    """Warn that a file's step differs from that of the model's training data; empty if they are equal."""
    if step_ms == trained_ms:
        return ""
    step, trained = format_duration(step_ms), format_duration(trained_ms)
    return (
        f"{result} are not meaningful: this file has a step of {step}, the model was trained on {trained}. "
        f"Train a model on this file, or resample the file to {trained}."
    )
