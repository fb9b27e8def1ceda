"""Multivariate series as tables: variables over the same times, missing values, and how they are filled."""

import hashlib
import re
import zipfile
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.series import csv_file, series
from dlcore.data.series.csv_cells import MAX_VALUE

HOUR_MS = 3_600_000
FILE = "table.npz"
"""The file of a custom table, in its folder."""


@dataclass(frozen=True)
class Table:
    """V variables at T evenly spaced times. times (T,) int64 epoch milliseconds; values (T, V) float64, NaN if missing;
    `units` may be empty; `warmed` is the temperature variable that the what-if experiment changes."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]
    title: str = ""
    warmed: str = ""

    @property
    def observed(self) -> np.ndarray:
        """(T, V) bool: true where a value is not missing."""
        return ~np.isnan(self.values)

    @property
    def step_ms(self) -> int:
        """Milliseconds between two rows."""
        return int(np.median(np.diff(self.times)))

    @property
    def checksum(self) -> str:
        """The sha256 of times, values and names, recorded with each run."""
        content = self.times.astype("<i8").tobytes() + self.values.astype("<f8").tobytes()
        return hashlib.sha256(content + "\n".join(self.names).encode()).hexdigest()

    @property
    def slugs(self) -> tuple[str, ...]:
        """The variables' names as used in metric names: `PT08.S1(CO)` is `pt08_s1_co`."""
        return make_slugs(self.names)


def step_name(step_ms: int | None) -> str:
    """Return the unit of one row: `hour`, `day`, or `row` if the step has no name."""
    return {60_000: "minute", HOUR_MS: "hour", 24 * HOUR_MS: "day", 168 * HOUR_MS: "week"}.get(step_ms or 0, "row")


def load_custom(dataset: str, *, checksum: str = "") -> Table:
    """Load a custom table, or a custom series as a table of one variable.

    Raises:
        DataError: The dataset is missing, damaged, or has another checksum.
    """
    saved = registry.find(dataset)
    if saved is None or saved.kind != "table":
        single = series.load_custom(dataset, checksum=checksum)
        return Table(single.times, single.values[:, None], (single.name,), ("",), single.name)
    entry = registry.require(dataset, "table", checksum=checksum)
    advice = f"remove '{entry.name}' and add its file again"
    try:
        with (entry.folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            times, values = archive["times"], archive["values"]
        names = tuple(str(name) for name in entry.facts["names"])
        table = Table(times, values, names, ("",) * len(names), entry.name)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.folder / FILE} cannot be read ({error}): {advice}.") from None
    if table.checksum != entry.checksum:
        raise DataError(f"{entry.folder / FILE} is damaged (its sha256 has changed): {advice}.")
    return table


def read_csv(payload: bytes) -> Table:
    """Read a table from a CSV with an evenly spaced time column and numeric columns; empty cells are missing values.

    Raises:
        DataError: Names the row and column of the first problem.
    """
    sheet = csv_file.open_sheet(payload)
    time = sheet.guess().time
    times = sheet.times(time)
    names = tuple(name for name in sheet.columns if name != time)
    columns = [parse_numbers(sheet.table[name], name) for name in names]
    return Table(times, np.column_stack(columns), names, ("",) * len(names), "your file")


def forward_fill(values: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Fill missing values (T, V) with the last observed value, or `start` (V,) before the first one.

    No later value is used: interpolation would leak the future.
    """
    rows = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows), axis=0)  # (T, V)
    filled = np.take_along_axis(values, np.maximum(last, 0), axis=0)
    return np.where(last >= 0, filled, start)


def make_slugs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Convert names to unique slugs for metric names: `PT08.S1(CO)` becomes `pt08_s1_co`."""
    plain = [re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40] or "v" for name in names]
    return tuple(f"{name}_{i}" if name in plain[:i] else name for i, name in enumerate(plain))


def to_milliseconds(times: pd.Series) -> np.ndarray:
    """Convert timestamps to epoch milliseconds (T,) int64."""
    milliseconds: np.ndarray = times.to_numpy().astype("datetime64[ms]").astype(np.int64)
    return milliseconds


def parse_numbers(cells: pd.Series, column: str) -> np.ndarray:
    """Convert a column of text cells (T,) to float64; empty cells become NaN.

    Raises:
        DataError: Names the first row that is not a number.
    """
    texts = cells.fillna("").astype(str).str.strip()
    empty = texts.str.lower().isin(("", "na", "nan", "null", "none"))
    numbers = pd.to_numeric(texts.where(~empty), errors="coerce")
    invalid = np.flatnonzero(numbers.isna().to_numpy() & ~empty.to_numpy())
    if len(invalid):
        row = int(invalid[0])
        raise DataError(
            f"row {row + 2}, column '{column[:40]}': '{texts.iloc[row][:20]}' is not a number: write a number with a "
            "decimal point, or leave the cell empty if the value is missing."
        )
    values: np.ndarray = numbers.to_numpy(np.float64)
    if np.isinf(values).any() or (np.abs(values[~np.isnan(values)]) > MAX_VALUE).any():
        raise DataError(f"column '{column[:40]}' has numbers beyond {MAX_VALUE:g}: leave such cells empty.")
    return values
