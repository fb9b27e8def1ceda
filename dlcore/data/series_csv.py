"""A stranger's CSV, read with suspicion: every refusal is one line that names the row and the column."""

import csv
import io
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError

BYTES_LIMIT = 64 * 2**20
ROWS_LIMIT = 1_000_000
ROWS_NEEDED = 8
LARGEST = 1e15
"""Beyond it a value is a slip of the pen, and its square no longer fits the models' numbers."""
TIME_NAMES = ("timestamp", "time", "date", "datetime", "ds", "day")
VALUE_NAMES = ("value", "y", "count", "v")
_MAGIC = {b"PK\x03\x04": "a zip or Excel file", b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture", b"%PDF": "a PDF",
          b"\x1f\x8b": "a gzip file", b"PAR1": "a Parquet file", b"\x7fELF": "a program"}  # fmt: skip


def parse(payload: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a CSV -> times (T,) int64 epoch milliseconds and values (T,) float64.

    Rows are numbered as a spreadsheet shows them: the header is row 1.

    Raises:
        DataError: names the row, the column and what is wrong there.
    """
    table = _read(_decode(payload))
    time_column, value_column = _choose(table)
    times = _times(table[time_column], time_column)
    values = _values(table[value_column], value_column)
    _check_order(times, time_column)
    return times, values


def _decode(payload: bytes) -> str:
    """The file as text: UTF-8, or UTF-16 where the file says so itself."""
    if not payload.strip():
        raise DataError("the file is empty: choose a CSV with a time and a value column.")
    if len(payload) > BYTES_LIMIT:
        raise DataError(
            f"the file has {len(payload) / 2**20:,.0f} MB, more than the {BYTES_LIMIT // 2**20} MB that are read "
            f"(about {payload[:65536].count(10) * len(payload) // 65536:,} rows): thin it out or cut it."
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
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False,
            quoting=csv.QUOTE_MINIMAL, on_bad_lines="error", index_col=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        line = re.search(r"line (\d+)", str(error))
        where = f"row {line[1]}: " if line else ""
        raise DataError(f"{where}not a table: another number of columns than the header, or an open quote.") from None
    while len(table) and not any(str(cell).strip() for cell in table.iloc[-1]):
        table = table.iloc[:-1]  # blank lines at the end mean nothing
    table.columns = [str(name).strip() for name in table.columns]
    if len(table.columns) < 2:
        raise DataError(
            f"row 1: one column ('{_short(table.columns[0])}'): a time column and a value column are needed."
        )
    if table.columns.has_duplicates:
        name = table.columns[table.columns.duplicated()][0]
        raise DataError(f"row 1: two columns are named '{_short(name)}': rename one.")
    if len(table) < ROWS_NEEDED:
        raise DataError(
            f"row {len(table) + 1}: the file ends after {len(table)} rows of data; {ROWS_NEEDED} are the least."
        )
    return table


def _separator(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t|", key=header.count) if any(mark in header for mark in ",;\t|") else ","


def _choose(table: pd.DataFrame) -> tuple[str, str]:
    """The time column and the value column: by name, else the first that reads as times and the first other that
    reads as numbers."""
    sample = table.head(200)
    time_column = _by_name(table, TIME_NAMES) or _first(sample, _holds_times)
    if time_column is None:
        raise DataError(
            f"row 2, column '{_short(table.columns[0])}': {_short(table.iloc[0, 0])!r} is no time, and no column holds "
            "times: one column must, written like 2014-07-01 00:30."
        )
    rest = sample.drop(columns=time_column)
    value_column = _by_name(rest, VALUE_NAMES) or _first(rest, _holds_numbers)
    if value_column is None:
        name = rest.columns[0]
        raise DataError(
            f"row 2, column '{_short(name)}': {_short(table[name].iloc[0])!r} is no number, and no column has any."
        )
    return time_column, value_column


def _by_name(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    lower = {str(column).lower(): str(column) for column in table.columns}
    return next((lower[name] for name in names if name in lower), None)


def _first(table: pd.DataFrame, fits: Callable[[pd.Series], bool]) -> str | None:
    return next((str(name) for name, cells in table.items() if fits(cells)), None)


def _holds_numbers(cells: pd.Series) -> bool:
    return bool(_numbers(cells).notna().mean() > 0.5)


def _holds_times(cells: pd.Series) -> bool:
    texts = cells.str.strip()
    dated = texts.str.contains(r"\d[-/.:T]\d", regex=True)  # a bare number is a value, not a time
    return bool(pd.to_datetime(texts.where(dated), errors="coerce", format="mixed", utc=True).notna().mean() > 0.5)


def _times(cells: pd.Series, column: str) -> np.ndarray:
    texts = cells.str.strip()
    stamps = pd.to_datetime(texts, errors="coerce", utc=True)
    if stamps.isna().any():
        stamps = pd.to_datetime(texts, errors="coerce", format="mixed", utc=True)
    bad = np.flatnonzero(stamps.isna().to_numpy())
    if len(bad):
        raise DataError(
            f"row {bad[0] + 2}, column '{_short(column)}': {_say(cells.iloc[bad[0]])} is no time: "
            "write it like 2014-07-01 00:30."
        )
    return stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)


def _numbers(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells.str.strip(), errors="coerce")


def _values(cells: pd.Series, column: str) -> np.ndarray:
    numbers = _numbers(cells).to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~(np.abs(numbers) <= LARGEST))
    if len(bad):
        row, cell = bad[0] + 2, cells.iloc[bad[0]].strip()
        if cell[:1] in ("=", "@", "+", "-") and not np.isinf(numbers[bad[0]]):
            problem = "is a formula, not a number: save the file with values in place of formulas"
        elif np.isinf(numbers[bad[0]]):
            problem = "is infinite: put a finite number there or leave the row out"
        elif np.isfinite(numbers[bad[0]]):
            problem = f"is beyond {LARGEST:g}: put a smaller number there or leave the row out"
        elif not cell:
            problem = "where a number is needed: fill it or leave the row out"
        else:
            problem = "is not a number (a point divides decimals)"
        raise DataError(f"row {row}, column '{_short(column)}': {_say(cell)} {problem}.")
    return numbers


def _check_order(times: np.ndarray, column: str) -> None:
    """Times must rise by one even step: every model here takes neighbours in the file for neighbours in time."""
    gaps = np.diff(times)
    for wrong, problem in (
        (gaps == 0, "comes twice: keep one row for each time"),
        (gaps < 0, "is earlier than the row before: sort the file by time"),
    ):
        if wrong.any():
            at = int(np.argmax(wrong)) + 1
            raise DataError(f"row {at + 2}, column '{_short(column)}': {_stamp(times[at])} {problem}.")
    step = np.median(gaps)
    uneven = np.abs(gaps - step) > step / 2
    if uneven.any():
        at = int(np.argmax(uneven)) + 1
        missing = gaps[at - 1] / step - 1
        how = f"{missing:,.0f} rows are missing" if missing >= 1 else "the step changes"
        raise DataError(
            f"row {at + 2}, column '{_short(column)}': {how} before {_stamp(times[at])} "
            f"(the usual step is {step / 60000:g} minutes): fill the gap or cut the file there."
        )


def _stamp(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")


def _say(cell: str) -> str:
    return f"'{_short(cell)}'" if cell.strip() else "an empty cell"


def _short(text: object) -> str:
    """A stranger's text made safe for one line."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text))
    return clean if len(clean) <= 40 else clean[:37] + "..."
