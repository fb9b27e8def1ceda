"""Columns of a table over time: which hold times, values, labels and groups, by their names and their cells."""

import functools
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.column_kinds import CLOCK_NAMES, TIME_NAMES, guess_kind
from dlcore.data.series.date_formats import share_of_dates
from dlcore.data.series.numbers import Scan, scan_column
from dlcore.data.tabular.cells import shorten, strip_cells
from dlcore.data.tabular.read import TableFile

VALUE_NAMES = ("value", "y", "count", "v")
LABEL_NAMES = ("label", "labels", "anomaly", "is_anomaly", "outlier")
PARTS = (("year", "jahr", "yr"), ("month", "monat"), ("day", "tag"), ("hour", "stunde", "hr"), ("minute", "min"))
"""Names of columns that hold one part of a time each."""
CALENDAR_NAMES = {"weekday", "dayofweek", "day_of_week", "dow", "wochentag", *(name for part in PARTS for name in part)}
NUMERIC_TIMES = ("epoch", "stamp", "serial", "year")
MAX_GROUPS = 64
_ID = re.compile(r"(?:^|.*[_ .-])(?:id|uuid)|.*[a-z]Id", re.ASCII)
_ROW_NUMBER = re.compile(
    r"unnamed: ?\d+|index|level_\d+|row(?:s|[_ ]?(?:id|num(?:ber)?|no|nr))?|rn|idx|n[or]\.?|lfd\.? ?nr\.?|#|pk|seq",
    re.IGNORECASE,
)
_FLAGS = dict.fromkeys(("0", "0.0", "false", "no", "n"), 0.0) | dict.fromkeys(("1", "1.0", "true", "yes", "y"), 1.0)


@dataclass(frozen=True)
class Columns:
    """The columns of a series by role; `label` is empty if there are no labels."""

    time: str
    value: str
    label: str = ""


@dataclass(frozen=True)
class TimeSource:
    """The columns that hold the times, and their cells (N,), joined if a date and a time stand in two columns."""

    names: tuple[str, ...]
    cells: pd.Series


@dataclass(frozen=True)
class Sheet:
    """A table as text cells, with what its columns seem to hold."""

    file: TableFile

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in order."""
        return self.file.columns

    @functools.cached_property
    def kinds(self) -> dict[str, str]:
        """What each column seems to hold, by its first and last cells: datetime, date, clock, yearless, epoch, stamp,
        serial, year, number, text or empty."""
        table = self.file.table
        sample = table if len(table) <= 400 else pd.concat([table.head(200), table.tail(200)])
        return {name: guess_kind(sample[name], name) for name in self.columns}

    @functools.cached_property
    def scans(self) -> dict[str, Scan]:
        """The numbers of each column that is not text or times."""
        names = [name for name in self.columns if self.kinds[name] in ("number", *NUMERIC_TIMES)]
        return {name: scan_column(self.file.table[name]) for name in names}

    def select(self, rows: np.ndarray) -> "Sheet":
        """Select rows by mask (N,)."""
        table = self.file.table[rows].reset_index(drop=True)
        return Sheet(TableFile(table, self.file.rows[rows], self.file.format, self.file.separator))

    def find_times(self, name: str = "") -> TimeSource:
        """Find the columns of the times, or those that belong to the named one.

        Raises:
            DataError: No column holds times, or there is no such column.
        """
        name = self.file.known(name) if name else self._guess_time()
        if not name:
            return self._join_parts() or self._refuse()
        kind = self.kinds[name]
        if kind == "clock":
            dates = [other for other in self.columns if self.kinds[other] == "date"]
            return self._join(dates[0], name) if dates else TimeSource((name,), self.file.table[name])
        clock = self._find_clock(name) if kind in ("date", "datetime", "stamp") else ""
        return self._join(name, clock) if clock else TimeSource((name,), self.file.table[name])

    def is_flags(self, name: str) -> bool:
        """Whether a column holds only 0 and 1, or true and false."""
        return bool(parse_flags(self.file.table[name]).notna().all())

    def find_label(self, used: tuple[str, ...]) -> str:
        """Return the column of labels by its name, if it holds 0 and 1; else an empty string."""
        lower = {name.lower(): name for name in self.columns if name not in used}
        named = next((lower[name] for name in LABEL_NAMES if name in lower), "")
        return named if named and self.is_flags(named) else ""

    def numeric(self, used: tuple[str, ...]) -> list[str]:
        """List the columns that hold numbers, without those in `used`."""
        return [name for name in self.columns if name not in used and name in self.scans]

    def is_counter(self, name: str) -> bool:
        """Whether a column numbers the rows: consecutive whole numbers in any order; with gaps, as dropped rows leave
        them, if it is named so."""
        plain = self.scans[name].plain if name in self.scans else None
        if plain is None or len(plain) < 2 or np.isnan(plain).any():
            return False
        steps = np.diff(plain)
        has_gaps = _ROW_NUMBER.fullmatch(name) and (plain % 1 == 0).all() and ((steps > 0).all() or (steps < 0).all())
        return bool(has_gaps or (np.diff(np.sort(plain)) == 1).all())

    def is_constant(self, name: str) -> bool:
        """Whether a column has a single value."""
        texts = strip_cells(self.file.table[name])
        return texts[texts != ""].nunique() <= 1

    def guess_value(self, used: tuple[str, ...]) -> str:
        """Guess the value column by its name, else the first of numbers that are no row numbers, ids or constants.

        Raises:
            DataError: No column holds numbers, or only row numbers and ids.
        """
        names = self.numeric(used)
        lower = {name.lower(): name for name in names}
        by_name = next((lower[name] for name in VALUE_NAMES if name in lower), "")
        if by_name:
            return by_name
        usable = [name for name in names if not is_id(name)]
        usable.sort(key=lambda n: (self.kinds[n] in NUMERIC_TIMES and self._rises(n)) or n.lower() in CALENDAR_NAMES)
        for fits in (
            lambda name: not self.is_counter(name) and not self.is_constant(name) and not self.is_flags(name),
            lambda name: not self.is_counter(name) and not self.is_constant(name),
            lambda name: not self.is_counter(name) or name.lower() != "index",
        ):
            matching = next((name for name in usable if fits(name)), "")
            if matching:
                return matching
        remaining = [name for name in self.columns if name not in used]
        if names:
            raise DataError(
                f"column '{shorten(names[0])}' only counts or identifies the rows, and no other has numbers."
            )
        if not remaining:
            raise DataError("row 1: no column is left for the values beside the times: add a column of numbers.")
        cell = shorten(self.file.table[remaining[0]].iloc[0])
        advice = "write plain numbers in one unit" if re.match(r"[+-]?\d", cell) else "add a column of numbers"
        raise DataError(
            f"row {self.file.rows[0]}, column '{shorten(remaining[0])}': '{cell}' is not a number, and no "
            f"column holds numbers: {advice}."
        )

    def find_group(self, times: np.ndarray, used: tuple[str, ...]) -> str:
        """Find the column that tells apart rows of the same time (N,), as in time, group, value; empty if none does."""
        distinct = len(np.unique(times))
        if distinct > 0.6 * len(times) or distinct < 3:
            return ""
        names = [name for name in self.columns if name not in used]
        for name in sorted(names, key=lambda name: self.kinds[name] != "text"):
            cells = self.file.table[name].str.strip()
            groups = cells.nunique()
            if not 2 <= groups <= MAX_GROUPS or self.kinds[name] in ("date", "datetime"):
                continue
            pairs = pd.DataFrame({"time": times, "group": cells.to_numpy()})
            if pairs.duplicated().mean() <= 0.02 and len(times) >= 0.3 * groups * distinct:
                return name
        return ""

    def _guess_time(self) -> str:
        named = sorted((n for n in self.columns if n.lower() in TIME_NAMES), key=lambda n: TIME_NAMES.index(n.lower()))
        for kind in ("datetime", "date"):
            matching = [name for name in (*named, *self.columns) if self.kinds[name] == kind]
            if matching:
                return matching[0]
        if self._join_parts() is not None:
            return ""
        for kind in NUMERIC_TIMES:
            matching = [name for name in named if self.kinds[name] == kind]
            if kind != "year":
                matching += [name for name in self.columns if self.kinds[name] == kind and self._rises(name)]
            if matching:
                return matching[0]
        matching = [name for name in (*named, *self.columns) if self.kinds[name] in ("clock", "yearless")]
        matching += [name for name in named if self.kinds[name] != "number"]
        return (matching or named or [""])[0]

    def _rises(self, name: str) -> bool:
        """Whether numbers rise or fall with few exceptions, and not by one as a counter."""
        plain = self.scans[name].plain
        if plain is None or len(plain) < 3:
            return False
        steps = np.diff(plain[~np.isnan(plain)])
        is_monotonic = max((steps >= 0).mean(), (steps <= 0).mean()) > 0.9 and (steps != 0).mean() > 0.2
        return bool(is_monotonic and not (self.is_counter(name) and is_id(name)))

    def _find_clock(self, date: str) -> str:
        """Return the column with the time of day that belongs to a column of dates; empty if there is none."""
        cells = self.file.table[date].str.strip()
        if self.kinds[date] == "datetime" and not cells.str.contains(r"[ T]0?0[:.]00(?:[:.]00)?$", regex=True).all():
            return ""
        repeats = cells.duplicated().mean() > 0.3
        for name in self.columns:
            kind, is_named = self.kinds[name], name.lower().split("(")[0].strip() in CLOCK_NAMES
            if kind == "clock" and (is_named or repeats) and name != date:
                return name
            if kind in ("number", "clock") and is_named and repeats and name in self.scans:
                plain = self.scans[name].plain
                if plain is not None and np.isin(plain, np.arange(25)).all():
                    return name
        return ""

    def _join(self, date: str, clock: str) -> TimeSource:
        dates = self.file.table[date].str.strip().str.replace(r"[ T]0?0[:.]00(?:[:.]00)?$", "", regex=True)
        clocks = self.file.table[clock].str.strip()
        joined = (dates + " " + clocks).where((dates != "") & (clocks != ""), "")
        return TimeSource((date, clock), joined)

    def _join_parts(self) -> TimeSource | None:
        """Join columns of year, month, day, and hour and minute if there are any."""
        lower = {name.lower(): name for name in self.columns}
        matching = [next((lower[name] for name in names if name in lower), "") for names in PARTS]
        if not all(matching[:3]):
            return None
        used = [name for k, name in enumerate(matching) if name and all(matching[:k])]
        parts = [self.file.table[name].str.strip().str.removesuffix(".0") for name in used]
        joined = parts[0] + "-" + parts[1] + "-" + parts[2]
        if len(parts) > 3:
            joined = joined + " " + parts[3].str.zfill(2) + ":" + (parts[4].str.zfill(2) if len(parts) > 4 else "00")
        if share_of_dates(joined.head(50).tolist()) < 0.9:
            return None
        return TimeSource(tuple(used), joined)

    def _refuse(self) -> TimeSource:
        name = self.columns[0]
        cell = shorten(self.file.table[name].iloc[0])
        raise DataError(
            f"row {self.file.rows[0]}, column '{shorten(name)}': '{cell}' is not a time, "
            "and no column holds times: one column must, written as 2014-07-01 00:30."
        )


def is_id(name: str) -> bool:
    """Return whether a column name says that it identifies rows."""
    return bool(_ID.fullmatch(name) or _ID.fullmatch(name.lower()))


def parse_flags(cells: pd.Series) -> pd.Series:
    """Parse labels to 0 or 1, NaN for anything else."""
    return cells.str.strip().str.lower().map(_FLAGS).astype("float64")
