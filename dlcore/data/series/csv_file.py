"""Reader of time series in CSV files; errors name the row and the column."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.csv_cells import (
    check_even_spacing,
    holds_numbers,
    holds_times,
    parse_flags,
    parse_times,
    parse_values,
    quote_cell,
    shorten,
)

BYTES_LIMIT = 64 * 2**20
ROWS_LIMIT = 1_000_000
MIN_ROWS = 8
LINE = "\n"
TIME_NAMES = ("timestamp", "time", "date", "datetime", "ds", "day")
VALUE_NAMES = ("value", "y", "count", "v")
LABEL_NAMES = ("label", "labels", "anomaly", "is_anomaly", "outlier")
_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"\x7fELF": "a program",
}


@dataclass(frozen=True)
class Columns:
    """The columns of a sheet by role; `label` is empty if there are no labels."""

    time: str
    value: str
    label: str = ""


@dataclass(frozen=True)
class Sheet:
    """A CSV as text cells, not yet validated. Rows are numbered as in a spreadsheet: the header is row 1."""

    table: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(str(name) for name in self.table.columns)

    def guess(self, columns: Columns | None = None) -> Columns:
        """Fill in empty columns by their names, else by the content of the first rows.

        Raises:
            DataError: No column holds times, or no other column holds numbers.
        """
        time, value, label = (columns.time, columns.value, columns.label) if columns else ("", "", "")
        table = self.table.drop(columns=[name for name in (time, value, label) if name])
        time = time or _time_column(table)
        table = table.drop(columns=[time], errors="ignore")
        value = value or _value_column(table)
        table = table.drop(columns=[value], errors="ignore")
        if not label:
            named = _by_name(table, LABEL_NAMES)
            label = named if named and parse_flags(table[named].head(200)).notna().all() else ""
        return Columns(time, value, label)

    def times(self, column: str) -> np.ndarray:
        """Parse a column as evenly spaced times: (T,) int64 epoch milliseconds.

        Raises:
            DataError: Names the row and the problem.
        """
        times = parse_times(self.table[self.known(column)], column)
        check_even_spacing(times, column)
        return times

    def values(self, column: str) -> np.ndarray:
        """Parse a column as numbers: (T,) float64.

        Raises:
            DataError: Names the row and the problem.
        """
        return parse_values(self.table[self.known(column)], column)

    def labels(self, column: str) -> np.ndarray:
        """Parse a column as labels: (T,) bool, true for 1 or true.

        Raises:
            DataError: Names the first row that is neither 0 nor 1.
        """
        cells = self.table[self.known(column)]
        flags = parse_flags(cells)
        bad = np.flatnonzero(flags.isna().to_numpy())
        if len(bad):
            raise DataError(
                f"row {bad[0] + 2}, column '{shorten(column)}': {quote_cell(cells.iloc[bad[0]])} is not a label: write "
                "1 for anomalous points and 0 for others."
            )
        return flags.to_numpy(np.float64).astype(bool)

    @property
    def variables(self) -> int:
        """The number of numeric columns, without times and labels."""
        names = [name for name in self.columns if name != self.guess().time and name.lower() not in LABEL_NAMES]
        return sum(self.mostly_numbers(name) for name in names)

    def mostly_numbers(self, column: str) -> bool:
        """Return whether more than half of the first cells are numbers."""
        return holds_numbers(self.table[self.known(column)].head(200))

    def known(self, column: str) -> str:
        """Return the name if there is such a column.

        Raises:
            DataError: There is no such column; lists the columns.
        """
        if column not in self.columns:
            known = ", ".join(f"'{shorten(name)}'" for name in self.columns[:20])
            raise DataError(f"row 1: there is no column '{shorten(column)}': the columns are {known}.")
        return column


def parse(payload: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Parse a CSV: times (T,) int64 epoch milliseconds and values (T,) float64.

    Raises:
        DataError: Names the row, the column and the problem.
    """
    sheet = open_sheet(payload)
    columns = sheet.guess()
    return sheet.times(columns.time), sheet.values(columns.value)


def open_sheet(payload: bytes) -> Sheet:
    """Read a CSV as a sheet of text cells.

    Raises:
        DataError: The file is not text, not a table, too long or too short.
    """
    return Sheet(_read(decode_text(payload)))


def decode_text(payload: bytes) -> str:
    """Decode a file as UTF-8, or UTF-16 with a byte-order mark.

    Raises:
        DataError: The file is empty, too large, or not text.
    """
    if not payload.strip():
        raise DataError("the file is empty: choose a CSV with a time and a value column.")
    if len(payload) > BYTES_LIMIT:
        raise DataError(
            f"the file is larger than the {BYTES_LIMIT // 2**20} MB that are read "
            f"(its first {BYTES_LIMIT // 2**20} MB hold about "
            f"{payload[:65536].count(10) * BYTES_LIMIT // 65536:,} rows): shorten it."
        )
    for magic, kind in _MAGIC.items():
        if payload.startswith(magic):
            raise DataError(f"row 1: this is {kind}, not a CSV: save it as 'CSV (comma separated)' and try again.")
    try:
        if payload[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return payload.decode("utf-16")
        text = payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = payload.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"row {row}: byte 0x{payload[error.start]:02x} is not UTF-8 text: save the file as UTF-8."
        ) from None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"row {row}: a zero byte: this is a binary file, not a CSV; choose a text file.")
    return text


def _read(text: str) -> pd.DataFrame:
    rows = text.count("\n") - (1 if text.endswith("\n") else 0)
    if rows > ROWS_LIMIT:
        raise DataError(
            f"row {ROWS_LIMIT + 2:,}: {rows:,} rows are more than the limit of {ROWS_LIMIT:,}: shorten the file."
        )
    separator = _separator(text)
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            quoting=csv.QUOTE_MINIMAL,
            on_bad_lines="error",
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        where = f"row {line[1]}: " if line else ""
        raise DataError(f"{where}not a table: more or fewer cells than the header, or an open quote.") from None
    filled = np.flatnonzero((table.to_numpy(dtype=object) != "").any(axis=1))
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0]  # ignore blank lines at the end
    table.columns = [str(name).strip() for name in table.columns]
    if len(table.columns) < 2:
        raise DataError(
            f"row 1: one column ('{shorten(text.partition(LINE)[0].strip())}'): a time and a value column are required."
        )
    _check_header(table, next(csv.reader([text.partition(LINE)[0].rstrip("\r")], delimiter=separator), []))
    if len(table) < MIN_ROWS:
        raise DataError(
            f"row {len(table) + 1}: the file ends after {len(table)} rows of data; at least {MIN_ROWS} are required."
        )
    return table


def _check_header(table: pd.DataFrame, names: list[str]) -> None:
    """Reject duplicate column names, which pandas would rename silently."""
    plain = [name.strip() for name in names]
    duplicate = next((name for i, name in enumerate(plain) if name and name in plain[:i]), None)
    if duplicate is not None or table.columns.has_duplicates:
        name = duplicate or table.columns[table.columns.duplicated()][0]
        raise DataError(f"row 1: two columns are named '{shorten(name)}': rename one.")


def _separator(text: str) -> str:
    header = text.partition(LINE)[0]
    return max(",;\t|", key=header.count) if any(mark in header for mark in ",;\t|") else ","


def _time_column(table: pd.DataFrame) -> str:
    """Guess the time column by name, else the first that parses as times."""
    name = _by_name(table, TIME_NAMES) or _first(table.head(200), holds_times)
    if name is None:
        raise DataError(
            f"row 2, {_at_first(table)} is not a time, and no column holds times: one column must, written as "
            "2014-07-01 00:30."
        )
    return name


def _value_column(table: pd.DataFrame) -> str:
    """Guess the value column by name, else the first that parses as numbers."""
    name = _by_name(table, VALUE_NAMES) or _first(table.head(200), holds_numbers)
    if name is None:
        raise DataError(f"row 2, {_at_first(table)} is not a number, and no column holds numbers.")
    return name


def _at_first(table: pd.DataFrame) -> str:
    if not len(table.columns):
        return "no column is left, which"
    return f"column '{shorten(table.columns[0])}': {shorten(table.iloc[0, 0])!r}"


def _by_name(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    lower = {str(column).lower(): str(column) for column in table.columns}
    return next((lower[name] for name in names if name in lower), None)


def _first(table: pd.DataFrame, fits: Callable[[pd.Series], bool]) -> str | None:
    return next((str(name) for name, cells in table.items() if fits(cells)), None)
