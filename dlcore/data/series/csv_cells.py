"""Cells of a CSV column as times, numbers and labels; errors name the row and the column."""

import re

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from dlcore.core.errors import DataError

HOUR_MS = 3_600_000
MAX_VALUE = 1e15
"""Larger values are typing errors, and their squares overflow float32."""
UTC = "save times in UTC"
_FLAGS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_DATED = r"\d[-/.:T]\d.*[-/.:T]|^\d{4}[-/]\d{1,2}$"
_DAY_OR_MONTH = r"^(\d{1,2})([./])\d{1,2}[./]\d{4}"


def holds_numbers(cells: pd.Series) -> bool:
    """Return whether more than half of the cells are numbers."""
    return bool(to_numbers(cells).notna().mean() > 0.5)


def holds_times(cells: pd.Series) -> bool:
    """Return whether more than half of the cells are dates or times."""
    texts = cells.str.strip()
    dated = texts.str.contains(_DATED, regex=True)
    return bool(pd.to_datetime(texts.where(dated), errors="coerce", format="mixed", utc=True).notna().mean() > 0.5)


def parse_times(cells: pd.Series, column: str) -> np.ndarray:
    """Parse times in any common format to epoch milliseconds (T,) int64.

    Raises:
        DataError: Names the first row that is not a time.
    """
    texts = cells.str.strip()
    epoch = _epoch(texts)
    if epoch is not None:
        return epoch
    dated = texts.where(texts.str.contains(_DATED, regex=True))  # a bare number is not a time
    known = dated.dropna()
    first = _day_first(known)
    guessed_format = guess_datetime_format(known.iloc[0], dayfirst=first) if len(known) else None
    stamps = pd.to_datetime(dated, errors="coerce", format=guessed_format or "mixed", dayfirst=first, utc=True)
    if guessed_format and stamps.isna().any():
        stamps = pd.to_datetime(dated, errors="coerce", format="mixed", dayfirst=first, utc=True)
    bad = np.flatnonzero(stamps.isna().to_numpy())
    if len(bad):
        raise DataError(
            f"row {bad[0] + 2}, column '{shorten(column)}': {quote_cell(cells.iloc[bad[0]])} is not a time: "
            "write it as 2014-07-01 00:30."
        )
    return stamps.dt.tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)


def _day_first(texts: pd.Series) -> bool:
    """Return whether 01.02.2014 is in February: with dots always, with slashes if a first number exceeds 12."""
    if not len(texts) or not re.match(_DAY_OR_MONTH, str(texts.iloc[0])):
        return False
    parts = texts.str.extract(_DAY_OR_MONTH)
    return bool((parts[1] == ".").any() or (pd.to_numeric(parts[0]) > 12).any())


def _epoch(texts: pd.Series) -> np.ndarray | None:
    """Parse seconds or milliseconds since 1970, from 1973 on; None if the cells hold something else."""
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    for low, high, unit in ((1e8, 1e11, 1000.0), (1e11, 1e14, 1.0)):
        if ((numbers >= low) & (numbers < high)).all():
            return np.round(numbers * unit).astype(np.int64)
    return None


def to_numbers(cells: pd.Series) -> pd.Series:
    """Convert cells to numbers, NaN if they are not."""
    return pd.to_numeric(cells.str.strip(), errors="coerce")


def parse_values(cells: pd.Series, column: str) -> np.ndarray:
    """Parse numbers (T,) float64.

    Raises:
        DataError: Names the first row that is not a usable number.
    """
    numbers = to_numbers(cells).to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero(~(np.abs(numbers) <= MAX_VALUE))
    if len(bad):
        row, cell = bad[0] + 2, cells.iloc[bad[0]].strip()
        if cell[:1] in ("=", "@", "+", "-") and not np.isinf(numbers[bad[0]]):
            problem = "is a formula, not a number: save the file with values instead of formulas"
        elif np.isinf(numbers[bad[0]]):
            problem = "is infinite: replace it or remove the row"
        elif np.isfinite(numbers[bad[0]]):
            problem = f"is beyond {MAX_VALUE:g}: replace it or remove the row"
        elif not cell:
            problem = "where a number is needed: fill it in or remove the row"
        else:
            problem = "is not a number (use a decimal point)"
        raise DataError(f"row {row}, column '{shorten(column)}': {quote_cell(cell)} {problem}.")
    return numbers


def check_even_spacing(times: np.ndarray, column: str) -> None:
    """Check that times (T,) rise by one even step, as the models require.

    Raises:
        DataError: Names the first row that is out of order, repeated or after a gap.
    """
    gaps = np.diff(times)
    for wrong, problem in (
        (gaps == 0, f"comes twice: keep one row per time, or {UTC} if the clocks changed there"),
        (gaps < 0, f"is earlier than the row before: sort the file by time, or {UTC} if the clocks changed there"),
    ):
        if wrong.any():
            at = int(np.argmax(wrong)) + 1
            raise DataError(f"row {at + 2}, column '{shorten(column)}': {_format_time(times[at])} {problem}.")
    step = np.median(gaps)
    uneven = np.abs(gaps - step) > step / 2
    if uneven.any():
        at = int(np.argmax(uneven)) + 1
        missing = gaps[at - 1] / step - 1
        how = f"{missing:,.0f} row{'s are' if missing >= 2 else ' is'} missing" if missing >= 1 else "the step changes"
        raise DataError(
            f"row {at + 2}, column '{shorten(column)}': {how} before {_format_time(times[at])} "
            f"(the usual step is {step / 60000:g} minutes): {_advise_on_gap(gaps[at - 1] - step)}."
        )


def _advise_on_gap(missing: float) -> str:
    return f"{'fill' if missing > 0 else 'repair'} the gap or cut the file there" + (
        f"; if the clocks changed there, {UTC}" if missing == HOUR_MS else ""
    )


def _format_time(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")


def parse_flags(cells: pd.Series) -> pd.Series:
    """Parse labels to 0 or 1, NaN for anything else."""
    return cells.str.strip().str.lower().map(_FLAGS).astype("float64")


def quote_cell(cell: str) -> str:
    """Quote a cell in an error message."""
    return f"'{shorten(cell)}'" if cell.strip() else "an empty cell"


def shorten(text: object) -> str:
    """Shorten a text to 40 printable characters for an error message."""
    clean = "".join(c if c.isprintable() else "?" for c in str(text))
    return clean if len(clean) <= 40 else clean[:37] + "..."
