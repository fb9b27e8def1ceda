"""Spans of time written down by a person: `2014-07-03/2014-07-06`, several parted by commas."""

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.series import DAY_MS

Intervals = tuple[tuple[int, int], ...]
"""Epoch milliseconds; the start belongs to a span, the end does not."""


def parse(text: str, *, name: str) -> Intervals:
    """Read spans; a day named as an end belongs to its span as a whole.

    Raises:
        DataError: a part of the text, the setting `name`, is no span; says which.
    """
    found = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        first, slash, last = (piece.strip() for piece in part.partition("/"))
        start, stop = _moment(first), _moment(last if slash else first)
        if start is None or stop is None:
            raise DataError(f"{name}: '{part[:60]}' is no span of time: write it as 2014-07-03/2014-07-06.")
        stop += DAY_MS if len(last or first) <= len("2014-07-06") else 1
        if stop <= start:
            raise DataError(f"{name}: '{part[:60]}' ends before it begins: write the earlier day first.")
        found.append((start, stop))
    return tuple(found)


def is_inside(times: np.ndarray, spans: Intervals) -> np.ndarray:
    """(T,) whether each of the moments, in epoch milliseconds, lies in any of the spans."""
    found = np.zeros(len(times), bool)
    for start, stop in spans:
        found |= (times >= start) & (times < stop)
    return found


def _moment(text: str) -> int | None:
    """Epoch milliseconds of a day, or of a day and a time; None where the text is neither."""
    try:
        moment = pd.Timestamp(text)
    except (ValueError, OverflowError):
        return None
    if pd.isna(moment) or moment.tz is not None or not text[:1].isdigit():
        return None
    return int(moment.value // 1_000_000)


def format_duration(milliseconds: float) -> str:
    """Format a duration in its largest natural unit: `30 minutes`, `1 week`."""
    for unit, size in (("week", 604_800_000), ("day", DAY_MS), ("hour", 3_600_000), ("minute", 60_000)):
        if milliseconds >= size:
            count = milliseconds / size
            return f"1 {unit}" if count == 1 else f"{count:.4g} {unit}s"
    return f"{milliseconds / 1000:g} seconds"
