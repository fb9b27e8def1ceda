"""A stranger's CSV, read with suspicion: every refusal is one line that names the row and the column."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from dlcore.core.errors import DataError

BYTES_LIMIT = 64 * 2**20
ROWS_LIMIT = 1_000_000
ROWS_NEEDED = 8
LINE = "\n"
HOUR_MS = 3_600_000
UTC = "save times in UTC"
MAX_VALUE = 1e15
"""Beyond it a value is a slip of the pen, and its square no longer fits the models' numbers."""
TIME_NAMES = ("timestamp", "time", "date", "datetime", "ds", "day")
VALUE_NAMES = ("value", "y", "count", "v")
LABEL_NAMES = ("label", "labels", "anomaly", "is_anomaly", "outlier")
_FLAGS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_DATED = r"\d[-/.:T]\d.*[-/.:T]|^\d{4}[-/]\d{1,2}$"
_DAY_OR_MONTH = r"^(\d{1,2})([./])\d{1,2}[./]\d{4}"
_MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"\x7fELF": "a program",
}


@dataclass(frozen=True)
class Columns:
    """Which column of a sheet holds what; `label` is empty where none holds labels."""

    time: str
    value: str
    label: str = ""


@dataclass(frozen=True)
class Sheet:
    """A CSV as text cells, not yet judged. Rows are numbered as a spreadsheet shows them: the header is row 1."""

    table: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(str(name) for name in self.table.columns)

    def guess(self, asked: Columns | None = None) -> Columns:
        """The columns asked for; what is left empty, by its name, else by what the first rows hold.

        Raises:
            DataError: no column holds times, or no other numbers.
        """
        time, value, label = (asked.time, asked.value, asked.label) if asked else ("", "", "")
        table = self.table.drop(columns=[name for name in (time, value, label) if name])
        time = time or _time_column(table)
        table = table.drop(columns=[time], errors="ignore")
        value = value or _value_column(table)
        table = table.drop(columns=[value], errors="ignore")
        if not label:
            named = _by_name(table, LABEL_NAMES)
            label = named if named and _flags(table[named].head(200)).notna().all() else ""
        return Columns(time, value, label)

    def times(self, column: str) -> np.ndarray:
        """(T,) int64 epoch milliseconds, rising evenly.

        Raises:
            DataError: names the row and what is wrong there.
        """
        times = _times(self.table[self.known(column)], column)
        _check_order(times, column)
        return times

    def values(self, column: str) -> np.ndarray:
        """(T,) float64.

        Raises:
            DataError: names the row and what is wrong there.
        """
        return _values(self.table[self.known(column)], column)

    def labels(self, column: str) -> np.ndarray:
        """(T,) bool: where the column holds 1 (or true).

        Raises:
            DataError: names the first row that holds neither 0 nor 1.
        """
        cells = self.table[self.known(column)]
        flags = _flags(cells)
        bad = np.flatnonzero(flags.isna().to_numpy())
        if len(bad):
            raise DataError(
                f"row {bad[0] + 2}, column '{shorten(column)}': {_say(cells.iloc[bad[0]])} is no label: write 1 "
                "where something is out of the ordinary and 0 elsewhere."
            )
        return flags.to_numpy(np.float64).astype(bool)

    @property
    def variables(self) -> int:
        """How many columns hold numbers, the times and labels left aside."""
        names = [name for name in self.columns if name != self.guess().time and name.lower() not in LABEL_NAMES]
        return sum(self.mostly_numbers(name) for name in names)

    def mostly_numbers(self, column: str) -> bool:
        """Whether more than half of the first cells are numbers."""
        return _holds_numbers(self.table[self.known(column)].head(200))

    def known(self, column: str) -> str:
        """The column's name, if there is such a column.

        Raises:
            DataError: there is none; says which there are.
        """
        if column not in self.columns:
            known = ", ".join(f"'{shorten(name)}'" for name in self.columns[:20])
            raise DataError(f"row 1: there is no column '{shorten(column)}': the file has {known}.")
        return column


def parse(payload: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a CSV -> times (T,) int64 epoch milliseconds and values (T,) float64.

    Raises:
        DataError: names the row, the column and what is wrong there.
    """
    sheet = open_sheet(payload)
    columns = sheet.guess()
    return sheet.times(columns.time), sheet.values(columns.value)


def open_sheet(payload: bytes) -> Sheet:
    """The bytes of a CSV as a sheet of text cells.

    Raises:
        DataError: it is no text, no table, too long or too short.
    """
    return Sheet(_read(decode_text(payload)))


def decode_text(payload: bytes) -> str:
    """The file as text: UTF-8, or UTF-16 where the file says so itself."""
    if not payload.strip():
        raise DataError("the file is empty: choose a CSV with a time and a value column.")
    if len(payload) > BYTES_LIMIT:
        raise DataError(
            f"the file is larger than the {BYTES_LIMIT // 2**20} MB that are read "
            f"(its first {BYTES_LIMIT // 2**20} MB hold about "
            f"{payload[:65536].count(10) * BYTES_LIMIT // 65536:,} rows): thin it out or cut it."
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
            f"row {row}: byte 0x{payload[error.start]:02x} is not UTF-8 text: save the file with encoding UTF-8."
        ) from None
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"row {row}: a zero byte: this is a binary file, not a CSV; choose a text file.")
    return text


def _read(text: str) -> pd.DataFrame:
    rows = text.count("\n") - (1 if text.endswith("\n") else 0)
    if rows > ROWS_LIMIT:
        raise DataError(
            f"row {ROWS_LIMIT + 2:,}: {rows:,} rows are more than the {ROWS_LIMIT:,} that are read: cut the file."
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
        raise DataError(f"{where}not a table: another number of columns than the header, or an open quote.") from None
    filled = np.flatnonzero((table.to_numpy(dtype=object) != "").any(axis=1))
    table = table.iloc[: filled[-1] + 1 if len(filled) else 0]  # blank lines at the end mean nothing
    table.columns = [str(name).strip() for name in table.columns]
    if len(table.columns) < 2:
        raise DataError(
            f"row 1: one column ('{shorten(text.partition(LINE)[0].strip())}'): a time and a value column are needed."
        )
    _check_header(table, next(csv.reader([text.partition(LINE)[0].rstrip("\r")], delimiter=separator), []))
    if len(table) < ROWS_NEEDED:
        raise DataError(
            f"row {len(table) + 1}: the file ends after {len(table)} rows of data; {ROWS_NEEDED} are the least."
        )
    return table


def _check_header(table: pd.DataFrame, names: list[str]) -> None:
    """No two columns of one name: pandas would number them in silence."""
    plain = [name.strip() for name in names]
    double = next((name for place, name in enumerate(plain) if name and name in plain[:place]), None)
    if double is not None or table.columns.has_duplicates:
        name = double or table.columns[table.columns.duplicated()][0]
        raise DataError(f"row 1: two columns are named '{shorten(name)}': rename one.")


def _separator(text: str) -> str:
    header = text.partition(LINE)[0]
    return max(",;\t|", key=header.count) if any(mark in header for mark in ",;\t|") else ","


def _time_column(table: pd.DataFrame) -> str:
    """By name, else the first that reads as times."""
    found = _by_name(table, TIME_NAMES) or _first(table.head(200), _holds_times)
    if found is None:
        raise DataError(
            f"row 2, {_at_first(table)} is no time, and no column holds times: one column must, written like "
            "2014-07-01 00:30."
        )
    return found


def _value_column(table: pd.DataFrame) -> str:
    """By name, else the first that reads as numbers."""
    found = _by_name(table, VALUE_NAMES) or _first(table.head(200), _holds_numbers)
    if found is None:
        raise DataError(f"row 2, {_at_first(table)} is no number, and no column has any.")
    return found


def _at_first(table: pd.DataFrame) -> str:
    if not len(table.columns):
        return "what is left"
    return f"column '{shorten(table.columns[0])}': {shorten(table.iloc[0, 0])!r}"


def _by_name(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    lower = {str(column).lower(): str(column) for column in table.columns}
    return next((lower[name] for name in names if name in lower), None)


def _first(table: pd.DataFrame, fits: Callable[[pd.Series], bool]) -> str | None:
    return next((str(name) for name, cells in table.items() if fits(cells)), None)


def _holds_numbers(cells: pd.Series) -> bool:
    return bool(_numbers(cells).notna().mean() > 0.5)


def _holds_times(cells: pd.Series) -> bool:
    texts = cells.str.strip()
    dated = texts.str.contains(_DATED, regex=True)
    return bool(pd.to_datetime(texts.where(dated), errors="coerce", format="mixed", utc=True).notna().mean() > 0.5)


def _times(cells: pd.Series, column: str) -> np.ndarray:
    texts = cells.str.strip()
    epoch = _epoch(texts)
    if epoch is not None:
        return epoch
    dated = texts.where(texts.str.contains(_DATED, regex=True))  # a bare number is a value, not a time
    known = dated.dropna()
    first = _day_first(known)
    usual = guess_datetime_format(known.iloc[0], dayfirst=first) if len(known) else None
    stamps = pd.to_datetime(dated, errors="coerce", format=usual or "mixed", dayfirst=first, utc=True)
    if usual and stamps.isna().any():
        stamps = pd.to_datetime(dated, errors="coerce", format="mixed", dayfirst=first, utc=True)
    bad = np.flatnonzero(stamps.isna().to_numpy())
    if len(bad):
        raise DataError(
            f"row {bad[0] + 2}, column '{shorten(column)}': {_say(cells.iloc[bad[0]])} is no time: "
            "write it like 2014-07-01 00:30."
        )
    return stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)


def _day_first(texts: pd.Series) -> bool:
    """Whether 01.02.2014 is in February: with points always, with strokes where some first number is no month."""
    if not len(texts) or not re.match(_DAY_OR_MONTH, str(texts.iloc[0])):
        return False
    found = texts.str.extract(_DAY_OR_MONTH)
    return bool((found[1] == ".").any() or (pd.to_numeric(found[0]) > 12).any())


def _epoch(texts: pd.Series) -> np.ndarray | None:
    """Times written as seconds or milliseconds since 1970, from 1973 on; None where they are not."""
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    for low, high, unit in ((1e8, 1e11, 1000.0), (1e11, 1e14, 1.0)):
        if ((numbers >= low) & (numbers < high)).all():
            return np.round(numbers * unit).astype(np.int64)
    return None


def _numbers(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells.str.strip(), errors="coerce")


def _values(cells: pd.Series, column: str) -> np.ndarray:
    numbers = _numbers(cells).to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~(np.abs(numbers) <= MAX_VALUE))
    if len(bad):
        row, cell = bad[0] + 2, cells.iloc[bad[0]].strip()
        if cell[:1] in ("=", "@", "+", "-") and not np.isinf(numbers[bad[0]]):
            problem = "is a formula, not a number: save the file with values in place of formulas"
        elif np.isinf(numbers[bad[0]]):
            problem = "is infinite: put a finite number there or leave the row out"
        elif np.isfinite(numbers[bad[0]]):
            problem = f"is beyond {MAX_VALUE:g}: put a smaller number there or leave the row out"
        elif not cell:
            problem = "where a number is needed: fill it or leave the row out"
        else:
            problem = "is not a number (a point divides decimals)"
        raise DataError(f"row {row}, column '{shorten(column)}': {_say(cell)} {problem}.")
    return numbers


def _check_order(times: np.ndarray, column: str) -> None:
    """Times must rise by one even step: every model here takes neighbours in the file for neighbours in time."""
    gaps = np.diff(times)
    for wrong, problem in (
        (gaps == 0, f"comes twice: keep one row for each time, or {UTC} if the clocks changed there"),
        (gaps < 0, f"is earlier than the row before: sort the file by time, or {UTC} if the clocks changed there"),
    ):
        if wrong.any():
            at = int(np.argmax(wrong)) + 1
            raise DataError(f"row {at + 2}, column '{shorten(column)}': {_stamp(times[at])} {problem}.")
    step = np.median(gaps)
    uneven = np.abs(gaps - step) > step / 2
    if uneven.any():
        at = int(np.argmax(uneven)) + 1
        missing = gaps[at - 1] / step - 1
        how = f"{missing:,.0f} row{'s are' if missing >= 2 else ' is'} missing" if missing >= 1 else "the step changes"
        raise DataError(
            f"row {at + 2}, column '{shorten(column)}': {how} before {_stamp(times[at])} "
            f"(the usual step is {step / 60000:g} minutes): {_mend(gaps[at - 1] - step)}."
        )


def _mend(missing: float) -> str:
    return f"{'fill' if missing > 0 else 'mend'} the gap or cut the file there" + (
        f"; if the clocks changed there, {UTC}" if missing == HOUR_MS else ""
    )


def _stamp(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")


def _flags(cells: pd.Series) -> pd.Series:
    """0 or 1 for each cell; not a number where it holds something else."""
    return cells.str.strip().str.lower().map(_FLAGS).astype("float64")


def _say(cell: str) -> str:
    return f"'{shorten(cell)}'" if cell.strip() else "an empty cell"


def shorten(text: object) -> str:
    """A stranger's text made safe for one line."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text))
    return clean if len(clean) <= 40 else clean[:37] + "..."
