"""Lines of text to points: delimited tables with or without a header, and JSON objects."""

import contextlib
import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.clocks import Clock
from dlcore.data.series.columns import is_id
from dlcore.data.series.numbers import MAX_VALUE
from dlcore.data.series.times import parse_times
from dlcore.data.tabular.cells import list_names

TIME_NAMES = ("time", "timestamp", "datetime", "date", "ds", "ts", "t")
VALUE_NAMES = ("value", "values", "y", "v")
Points = tuple[np.ndarray, np.ndarray]
"""Times (n,) int64 epoch milliseconds, values (n,) or (n, V) float64, NaN if missing."""


_STATE = ("columns", "delimiter", "names", "is_json", "header", "day_first")


class RowParser:
    """Reads lines of one file. The first ones decide about columns, delimiter and decimal mark.

    `time` and `value` name the columns; without them, usual names, else the first times and the only other numbers.
    With the names of several values as a tuple, each point has as many.
    """

    def __init__(self, *, time: str = "", value: str | tuple[str, ...] = "", where: str = "") -> None:
        self.time, self.value, self.where = time, value, where
        self.columns: Sequence[int] = ()
        self.delimiter, self.is_json = ",", False
        self.names: Sequence[str] = ()
        self.header: list[str] = []  # until a line with data follows
        self.day_first: bool | None = None
        self.counts: Counter[str] = Counter()

    def parse(self, lines: Sequence[str]) -> Points:
        """Return the points of complete lines; lines without a time are counted as `unreadable`.

        Raises:
            DataError: the first lines have no time or no value column, or several values to choose from.
        """
        lines = [line for line in lines if line.strip() and not line.startswith("#")]
        if not lines:
            return np.zeros(0, np.int64), np.zeros(0)
        if not any(self.names):
            lines = self._find_columns([*self.header, *lines])
        cells = [self._cells(line) for line in lines]
        readable = [cell for cell in cells if cell is not None]
        self.counts["unreadable"] += len(cells) - len(readable)
        times = self._times([cell[0] for cell in readable])
        values = np.array([[_number(each) for each in cell[1:]] for cell in readable])
        values = values.reshape(len(readable), max(1, len(self.names) - 1))
        values = values if isinstance(self.value, tuple) else values.ravel()
        known = times != _NO_TIME
        self.counts["unreadable"] += int((~known).sum())
        return times[known], values[known]

    def state(self) -> dict[str, Any]:
        """Return what the first lines decided."""
        return {name: getattr(self, name) for name in _STATE}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue in the same file."""
        for name in _STATE:
            setattr(self, name, state[name])

    def _find_columns(self, lines: list[str]) -> list[str]:
        """Decide about the columns; return the lines without the header."""
        if lines[0].lstrip().startswith("{"):
            self.is_json = True
            row = _json(lines[0])
            if row is None:
                raise self._error("the first line is not a JSON object")
            names = list(row)
            self.names = self._choose(names, [str(row[name]) for name in names])
            return lines
        self.delimiter = next((mark for mark in ";\t|" if mark in lines[0]), ",")
        first = self._split(lines[0])
        if len(first) < 2:
            raise self._error("the first line has one column; a time and a value are required")
        has_header = not any(_is_time(cell) for cell in first)
        names = first if has_header else [f"column {n + 1}" for n in range(len(first))]
        self.header = lines[:1] if has_header and len(lines) == 1 else []
        if self.header:
            return []
        sample = self._split(lines[has_header])
        self.names = self._choose(names, sample + [""] * (len(names) - len(sample)))
        self.columns = [names.index(name) for name in self.names]
        return lines[has_header:]

    def _choose(self, names: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
        several = isinstance(self.value, tuple)
        requested = [*self.value] if isinstance(self.value, tuple) else [self.value] if self.value else []
        for name in (self.time, *requested):
            if name and name not in names:
                raise self._error(f"there is no column '{name[:40]}': it has {list_names(list(names))}")
        by_name = dict(zip(names, cells, strict=False))
        times = [self.time] if self.time else [name for name in names if _is_time_name(name)]
        times = times or [name for name in names if _is_time(by_name[name])]
        if not times:
            raise self._error("no column holds times: name it with --time")
        values = requested or [name for name in names if name.lower() in VALUE_NAMES]
        numbers = [n for n in names if n != times[0] and not is_id(n) and not np.isnan(_number(by_name[n]))]
        values = values or numbers
        if not values:
            raise self._error("no column holds numbers: name it with --value")
        if len(values) > 1 and not several:
            raise self._error(f"several columns hold numbers ({list_names(values)}): choose one with --value")
        return times[0], *values

    def _cells(self, line: str) -> list[str] | None:
        if self.is_json:
            row = _json(line)
            if row is None or self.names[0] not in row:
                return None
            parts = [row.get(name) for name in self.names]
            return ["" if value is None else str(value) for value in parts]
        cells = self._split(line)
        return [cells[place] for place in self.columns] if len(cells) > max(self.columns) else None

    def _split(self, line: str) -> list[str]:
        if '"' not in line:
            return [cell.strip() for cell in line.split(self.delimiter)]
        with contextlib.suppress(csv.Error, StopIteration):
            return [cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter))]
        return []

    def _times(self, cells: list[str]) -> np.ndarray:
        if not cells:
            return np.zeros(0, np.int64)
        with contextlib.suppress(ValueError):
            if all(len(cell) >= 10 and cell[4] == "-" and cell[-1].isdigit() and "+" not in cell for cell in cells):
                return np.array(cells, "datetime64[ms]").astype(np.int64)
        try:
            parsed = parse_times(
                pd.Series(cells, dtype=str),
                "time",
                np.arange(len(cells)),
                Repairs(accept_defaults=True),
                clock=None if self.day_first is None else Clock(day_first=self.day_first),
            )
        except DataError:
            if len(cells) == 1:
                return np.array([_NO_TIME])
            return np.concatenate([self._times([cell]) for cell in cells])  # one bad cell among good ones
        self.day_first = parsed.clock.day_first if self.day_first is None else self.day_first
        return np.where(parsed.micros == _NO_TIME, _NO_TIME, parsed.micros // 1000)

    def _error(self, reason: str) -> DataError:
        return DataError(f"{self.where or 'the input'}: {reason}.")


_NO_TIME = np.iinfo(np.int64).min


def _is_time_name(name: str) -> bool:
    return name.lower() in TIME_NAMES


def _is_time(cell: str) -> bool:
    try:
        parsed = parse_times(pd.Series([cell], dtype=str), "time", np.array([1]), Repairs(accept_defaults=True))
    except DataError:
        return False
    return bool(parsed.micros[0] != _NO_TIME)


def _json(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _number(cell: str) -> float:
    """Parse a number with a decimal point or comma; NaN for anything else."""
    for text in (cell, cell.replace(",", ".") if cell.count(",") == 1 else ""):
        with contextlib.suppress(ValueError):
            value = float(text)
            return value if abs(value) <= MAX_VALUE else np.nan
    return np.nan
