"""Formats of dates and times in text cells, and their fields as numbers.

Each format is a regular expression with the named groups y m d (or a b for a day and a month in unknown order), mon (a
month's name), w k (ISO week and weekday), q (quarter), H M S F (fraction), P (am or pm), Z N (zone and its name).
"""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

NAT = np.iinfo(np.int64).min
"""In place of a time: the cell is empty or not a time."""
DAY_US = 86_400_000_000
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]*\.?,? +)?"
_MONTH = r"(?P<mon>[a-zäéû]{3,9})\.?"
_ZONE = (
    r"(?:\s*(?P<Z>z|(?:utc|gmt)?[+-]\d{1,2}(?::?\d{2})?|[a-z]{2,5}|[a-z_]+/[a-z_/+-]+)?"
    r"(?:\s*[\[(](?P<N>[a-z_/ +-]+)[\])])?)"
)
_CLOCK = (
    r"(?P<H>\d{1,2})(?:[:.h](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,:](?P<F>\d{1,9}))?)?)?(?:\s*(?P<P>[ap])\.?m\.?)?"
    + _ZONE
)
_AFTER = rf"(?:(?:\s*t|,? +|_|:){_CLOCK})?"
_DATES = {
    "iso": rf"(?P<y>\d{{4}})(?P<sep>[-/.])(?P<m>\d{{1,2}})(?P=sep)(?P<d>\d{{1,2}})\.?{_AFTER}",
    "numeric": r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})"
    rf"(?:(?:t|,? +|_){_CLOCK})?",
    "compact": r"(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?:[t _-]?(?P<H>\d{2}):?(?P<M>\d{2})"
    rf"(?::?(?P<S>\d{{2}})(?:\.(?P<F>\d{{1,9}}))?)?{_ZONE})?",
    "day month year": rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[ /-]?{_MONTH}[ /,-]+(?P<y>\d{{4}}){_AFTER}",
    "day-month-yy": rf"(?P<d>\d{{1,2}})-{_MONTH}-(?P<y>\d{{2}})(?:[t ]{_CLOCK})?",
    "month day year": rf"{_MONTH}[ -](?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<y>\d{{4}}){_AFTER}",
    "c": rf"{_MONTH} +(?P<d>\d{{1,2}}) (?P<H>\d{{2}}):(?P<M>\d{{2}}):(?P<S>\d{{2}}) "
    r"(?P<Z>[a-z]{3,4} )?(?P<y>\d{4})",
    "week": r"(?P<y>\d{4})[- ]?(?:w|kw)(?P<w>\d{1,2})(?:-?(?P<k>[1-7]))?",
    "week year": r"(?:w|kw|week) ?(?P<w>\d{1,2})[ /-](?P<y>\d{4})",
    "month": r"(?P<y>\d{4})[-/](?P<m>\d{1,2})",
    "month year": r"(?P<m>\d{1,2})[-/](?P<y>\d{4})",
    "named month": rf"{_MONTH}[ -]?(?P<y>\d{{4}})",
    "named month-yy": rf"{_MONTH}[-'](?P<y>\d{{2}})",
    "year named month": rf"(?P<y>\d{{4}})[ -]?{_MONTH}",
    "quarter": r"(?P<y>\d{4})[-/ ]?q(?P<q>[1-4])",
    "quarter year": r"q(?P<q>[1-4])[-/ ]?(?P<y>\d{4})",
}
FORMATS = {name: re.compile(_WEEKDAY + pattern, re.IGNORECASE) for name, pattern in _DATES.items()}
CLOCK = re.compile(
    r"\d{1,2}:\d{2}(?:[:.,]\d{1,9}){0,2}(?:\s*[ap]\.?m\.?)?|\d{1,2}\.\d{2}\.\d{2}|\d{1,2}\s*[ap]\.?m\.?", re.IGNORECASE
)
"""A time of day without a date."""
YEARLESS = re.compile(
    r"\d{1,2}[-/.]\d{1,2}\.?,?\s+\d{1,2}:\d{2}.*|[a-zä]{3,9}\.? +\d{1,2},? +\d{1,2}:\d{2}.*|"
    r"\d{1,2}\.? +[a-zä]{3,9}\.? +\d{1,2}:\d{2}.*",
    re.IGNORECASE,
)
"""A day and a month without a year."""
SPANS = {"week": "W", "week year": "W", "quarter": "Q", "quarter year": "Q"} | dict.fromkeys(
    ("month", "month year", "named month", "named month-yy", "year named month"), "M"
)
"""Formats of a period: its code."""
_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_OTHER_NAMES = {2: "fév", 3: "mär mrz", 4: "avr abr", 5: "mai", 8: "aoû ago", 10: "okt", 12: "dez déc dic", 1: "ene"}
MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)} | {
    name: number for number, names in _OTHER_NAMES.items() for name in names.split()
}
"""The first three letters of the months in English, German, French and Spanish."""


@dataclass(frozen=True)
class Fields:
    """The fields of the cells (N,) in one format; `matches` (N,) bool are the cells that have it."""

    form: str
    matches: np.ndarray
    table: pd.DataFrame

    def zones(self) -> np.ndarray:
        """The zone of each cell, empty if it has none (n,)."""
        empty = pd.Series([""] * len(self.table), dtype=object)
        parts = [self.table[name].fillna("").to_numpy() if name in self.table else empty for name in ("Z", "N")]
        return np.array([f"{z.strip()} {n.strip()}".strip() for z, n in zip(*parts, strict=True)], dtype=object)

    def has_clock(self) -> np.ndarray:
        """Whether each cell has a time of day (n,)."""
        return self.table["H"].notna().to_numpy() if "H" in self.table else np.zeros(len(self.table), bool)

    def moments(self, *, day_first: bool = False) -> np.ndarray:
        """Local times (n,) int64 in microseconds since 1970; NAT where a date or time does not exist."""
        year = self._number("y")
        digits = self.table["y"].str.len().to_numpy()
        year = np.where(digits == 2, year + np.where(year < 70, 2000, 1900), year)
        month, day = self._month(day_first), self._day(day_first)
        if "w" in self.table:
            days = _week_days(year, self._number("w"), self._number("k", 1))
        else:
            days = _days(year, month, day)
        clock = self._clock()
        return np.where((days == NAT) | (clock == NAT), NAT, days * DAY_US + clock)

    def _number(self, name: str, default: int = 0) -> np.ndarray:
        if name not in self.table:
            return np.full(len(self.table), default, np.int64)
        return pd.to_numeric(self.table[name], errors="coerce").fillna(default).to_numpy(np.int64)

    def _month(self, day_first: bool) -> np.ndarray:
        if "a" in self.table:
            return self._number("b" if day_first else "a")
        if "mon" in self.table:
            names = self.table["mon"].str.lower().str[:3]
            return names.map(MONTHS).fillna(0).to_numpy(np.int64)
        return self._number("q") * 3 - 2 if "q" in self.table else self._number("m", 1)

    def _day(self, day_first: bool) -> np.ndarray:
        return self._number("a" if day_first else "b") if "a" in self.table else self._number("d", 1)

    def _clock(self) -> np.ndarray:
        hour, minute, second = (self._number(name) for name in "HMS")
        fraction = np.zeros(len(self.table), np.int64)
        if "F" in self.table and self.table["F"].notna().any():
            fraction = self.table["F"].fillna("").str.ljust(6, "0").str[:6].to_numpy().astype(np.int64)
        valid = (hour < 24) | ((hour == 24) & (minute == 0) & (second == 0))
        valid &= (minute < 60) & (second < 61)
        if "P" in self.table:
            half = self.table["P"].str.lower()
            has_half = half.notna().to_numpy()
            valid &= ~has_half | ((hour >= 1) & (hour <= 12))
            hour = np.where(has_half, hour % 12 + 12 * (half == "p").to_numpy(), hour)
        return np.where(valid, ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction, NAT)


def match_formats(texts: pd.Series, *, limit: int = 4) -> list[Fields]:
    """Find the formats of non-empty cells (N,), the most common one first; each cell has the first that fits."""
    remaining = np.flatnonzero(texts.to_numpy() != "")
    formats: list[Fields] = []
    while len(remaining) and len(formats) < limit:
        sample = texts.iloc[remaining[:: max(1, len(remaining) // 200)]]
        counts = {
            name: sum(bool(pattern.fullmatch(text)) for text in sample)
            for name, pattern in FORMATS.items()
            if name not in {fields.form for fields in formats}
        }
        form = max(counts, key=lambda name: counts[name], default="")
        if not form or not counts[form]:
            break
        table = texts.iloc[remaining].str.extract(re.compile(rf"^(?:{FORMATS[form].pattern})$", re.IGNORECASE))
        fits = table["y"].notna().to_numpy()
        matches = np.zeros(len(texts), bool)
        matches[remaining[fits]] = True
        formats.append(Fields(form, matches, table[fits].reset_index(drop=True)))
        remaining = remaining[~fits]
    return formats


def share_of_dates(texts: list[str]) -> float:
    """Return the share of texts that are dates in any format."""
    names = [text for text in texts if text]
    return sum(any(p.fullmatch(text) for p in FORMATS.values()) for text in names) / max(1, len(names))


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970 (n,); NAT if there is no such day."""
    months = (year - 1970) * 12 + month - 1
    first, following = ((months + k).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for k in (0, 1))
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= following - first) & (year >= 1000) & (year <= 2300)
    return np.where(valid, first + day - 1, NAT)


def _week_days(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Days since 1970 of ISO weeks (n,); NAT if the year has no such week."""
    fourth = _days(year, np.ones_like(year), np.full_like(year, 4))
    monday = fourth - (fourth + 3) % 7
    days = monday + 7 * (week - 1) + weekday - 1
    next_fourth = _days(year + 1, np.ones_like(year), np.full_like(year, 4))
    valid = (week >= 1) & (days < next_fourth - (next_fourth + 3) % 7)
    return np.where(valid, days, NAT)
