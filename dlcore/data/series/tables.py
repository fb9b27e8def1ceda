"""Multivariate series as tables: variables over the same times, missing values, and how they are filled."""

import dataclasses
import hashlib
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.custom import registry
from dlcore.data.series import series
from dlcore.data.series.reading import Request
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import LabeledWindow, Series

HOUR_MS = 3_600_000
FILE = "table.npz"
"""The file of a custom table, in its folder."""


@dataclass(frozen=True)
class Table:
    """V variables at T evenly spaced times. times (T,) int64 epoch milliseconds; values (T, V) float64, NaN if missing;
    `units` may be empty; `warmed` is the temperature variable that the what-if experiment changes; `windows` are
    labeled anomalies. Of a table that was read from a file, `file_rows` (T,) are the row numbers, 0 for an inserted
    row, and `receipt` lists the repairs."""

    times: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    units: tuple[str, ...]
    title: str = ""
    warmed: str = ""
    file_rows: np.ndarray | None = None
    receipt: tuple[str, ...] = ()
    windows: tuple[LabeledWindow, ...] = ()

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
        windows = series.stored_windows(entry)
        table = Table(times, values, names, ("",) * len(names), entry.name, windows=windows)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.folder / FILE} cannot be read ({error}): {advice}.") from None
    if table.checksum != entry.checksum:
        raise DataError(f"{entry.folder / FILE} is damaged (its sha256 has changed): {advice}.")
    return table


def load_series(dataset: str, *, checksum: str = "") -> Series:
    """Load the series of a run's dataset, as `series.load` does; a custom table becomes a multivariate one.

    Raises:
        DataError: The dataset is missing, or has another checksum.
    """
    entry = registry.find(dataset) if registry.is_custom(dataset) else None
    if entry is None or entry.kind != "table":
        return series.load(dataset, checksum=checksum)
    return as_series(load_custom(dataset, checksum=checksum))


def as_series(table: Table) -> Series:
    """Return a table as a multivariate series; a missing value takes the last one before it, or the first of all.

    The columns are scaled by their first half for the values of the series.
    """
    first = table.observed.argmax(axis=0)
    columns = forward_fill(table.values, table.values[first, np.arange(len(first))])
    known = columns[: max(1, len(columns) // 2)]
    spread = known.std(axis=0)
    values = ((columns - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)).mean(axis=1)
    period = detect_period(values[: len(known)], table.step_ms)
    return Series(
        table.times,
        values,
        table.windows,
        name=table.title,
        period=period,
        receipt=table.receipt,
        columns=columns,
        names=table.names,
    )


def read_columns(payload: bytes, names: Sequence[str]) -> Series:
    """Read columns of a tabular file as a multivariate series, with the default repairs.

    Raises:
        DataError: The file cannot be read, lacks a column, or a problem has no default repair.
    """
    reading, receipt = series.read_with_defaults(payload, Request(values=tuple(names)))
    samples = reading.samples
    table = Table(samples.times, samples.values, tuple(names), ("",) * len(names), "your file")
    return dataclasses.replace(as_series(table), file_rows=samples.rows, receipt=receipt)


def read_csv(payload: bytes) -> Table:
    """Read a table from a tabular file with a time column and numeric columns, with the default repairs.

    Raises:
        DataError: The file cannot be read, or a problem has no default repair; names the row and column.
    """
    reading, receipt = series.read_with_defaults(payload, Request(every_column=True))
    samples, names = reading.samples, reading.names
    return Table(
        samples.times, samples.values, names, ("",) * len(names), "your file", file_rows=samples.rows, receipt=receipt
    )


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
