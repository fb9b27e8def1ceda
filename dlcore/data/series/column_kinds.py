"""Kinds of columns: what a sample of cells seems to hold."""

import re

import numpy as np
import pandas as pd

from dlcore.data.series.date_formats import CLOCK, NAT, YEARLESS, match_formats, share_of_dates
from dlcore.data.series.numbers import scan_column
from dlcore.data.tabular.cells import replace_comma, strip_cells

TIME_NAMES = (
    "timestamp",
    "time",
    "date",
    "datetime",
    "ds",
    "day",
    "date_time",
    "when",
    "ts",
    "zeitstempel",
    "datum",
    "zeit",
    "week",
    "month",
    "quarter",
    "year",
    "period",
)
CLOCK_NAMES = ("time", "hour", "hr", "zeit", "uhrzeit", "stunde", "heure", "hora", "clock", "tid")
_RANGES = ((6.3e8, 4.2e9), (6.3e11, 4.2e12), (6.3e14, 4.2e15), (6.3e17, 4.2e18))
"""Seconds, milliseconds, microseconds and nanoseconds since 1970 of the years 1990 to 2100."""


def guess_kind(cells: pd.Series, name: str = "") -> str:
    """Guess what a sample of cells holds: datetime, date, clock, yearless, epoch, stamp (20210301), serial, year,
    number, text or empty."""
    texts = strip_cells(cells)
    filled = texts[texts != ""]
    if not len(filled):
        return "empty"
    points = replace_comma(filled)
    numbers = pd.to_numeric(points, errors="coerce")
    if numbers.notna().mean() > 0.9:
        return _numeric_kind(points[numbers.notna()], numbers.dropna().to_numpy(np.float64), name)
    clocks = [text for text in filled if CLOCK.fullmatch(text)]
    if len(clocks) > 0.5 * len(filled) and (name.lower() in CLOCK_NAMES or not _are_dates(clocks)):
        return "clock"
    listed = [re.split(r"\s+(?:-|–|bis|to)\s+", text)[0] for text in filled]
    if share_of_dates(listed) > 0.5:
        matching = match_formats(pd.Series(listed, dtype=object), limit=1)
        return "datetime" if matching and matching[0].has_clock().any() else "date"
    if sum(bool(YEARLESS.fullmatch(text)) for text in filled) > 0.5 * len(filled):
        return "yearless"
    return "number" if scan_column(filled).share > 0.5 else "text"


def _numeric_kind(texts: pd.Series, numbers: np.ndarray, name: str) -> str:
    low, high = numbers.min(), numbers.max()
    if any(low >= start and high < stop for start, stop in _RANGES):
        return "epoch"
    matching = match_formats(texts, limit=1) if texts.str.fullmatch(r"\d{8}|\d{12}|\d{14}").all() else []
    if matching and matching[0].form == "compact" and matching[0].matches.all() and (matching[0].moments() >= 0).all():
        return "stamp"
    if low >= 25_000 and high < 60_000 and (name.lower() in TIME_NAMES or _is_even(numbers)):
        return "serial"
    if low >= 1000 and high <= 2200 and (numbers % 1 == 0).all() and name.lower() in TIME_NAMES:
        return "year"
    return "number"


def _are_dates(texts: list[str]) -> bool:
    """Whether texts such as 18.00.00 are dates that exist."""
    matching = match_formats(pd.Series(texts, dtype=object), limit=1)
    return bool(matching and matching[0].matches.all() and (matching[0].moments(day_first=True) != NAT).all())


def _is_even(numbers: np.ndarray) -> bool:
    """Whether numbers rise or fall by one step with few exceptions, as dates do."""
    steps = np.diff(numbers)
    usual = np.median(steps) if len(steps) else 0.0
    return bool(usual != 0 and (np.abs(steps - usual) <= abs(usual) * 0.05).mean() > 0.9)
