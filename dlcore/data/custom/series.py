"""Import of a custom series: a CSV with a time and a value column, and labeled windows if there are any."""

import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import pydantic

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom.importer import NO_COLUMN, Importer, Inspection, Preview, attachment, column
from dlcore.data.repairs import Repairs
from dlcore.data.series import csv_file, window_file
from dlcore.data.series.csv_file import Columns, Sheet
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import FILE, Series, load_custom
from dlcore.data.tabular.read import ROWS_LIMIT

MIN_POINTS = 100
"""A shorter series cannot be split into training, validation and test parts."""


class SeriesOptions(Config):
    """Columns of the CSV by role, and properties of the series."""

    time: str = column("The time column.")
    value: str = column("The value column.")
    label: str = column(
        "A column with 1 where the value is anomalous and 0 elsewhere; none for no labels.", optional=True
    )
    windows: bytes | None = attachment(
        "Labeled windows, used instead of a label column: CSV or JSON of start, end, name.",
        suffixes=("csv", "json"),
        byte_limit=window_file.BYTES_LIMIT,
    )
    period: int | None = pydantic.Field(
        None,
        description="Seasonal period: 336 for a week of half-hours, 0 for none. Detected by autocorrelation.",
        json_schema_extra={"unit": "points"},
    )


def inspect(sheet: Sheet) -> Inspection:
    """List the columns and guess which hold times, values and labels.

    Raises:
        DataError: No column holds times, or no other column holds numbers.
    """
    return Inspection(sheet.columns, dataclasses.asdict(sheet.guess()))


def validate(sheet: Sheet, options: SeriesOptions, repairs: Repairs) -> Preview[Series]:
    """Check every row of a series.

    Raises:
        DataError: Names the row and column of the first problem.
    """
    columns = _choose_columns(sheet, options)
    times, values = sheet.times(columns.time), sheet.values(columns.value)
    if len(values) < MIN_POINTS:
        raise DataError(
            f"row {len(values) + 1}: the file ends after {len(values)} points; training needs at least {MIN_POINTS}."
        )
    if options.windows is not None:
        windows = window_file.parse(options.windows)
    else:
        windows = window_file.from_labels(times, sheet.labels(columns.label)) if columns.label else ()
    window_file.check_windows(windows, times)
    series = Series(times, values, windows)
    detected = detect_period(values, series.step_ms)
    period = detected if options.period is None else options.period
    if period != 0 and not 2 <= period <= len(values) // 2:
        raise DataError(f"period={period} is out of range: use 0 (none) or 2 to {len(values) // 2} points.")
    return preview_series(dataclasses.replace(series, period=period), columns)


def preview_series(series: Series, columns: Columns) -> Preview[Series]:
    """Describe a valid series."""
    span = f"{format_duration(series.period * series.step_ms)}" if series.period else "none"
    return Preview(
        kind="series",
        data=series,
        rows=len(series.values),
        checksum=series.checksum,
        facts={
            "step_ms": series.step_ms,
            "period": series.period,
            "first": int(series.times[0]),
            "last": int(series.times[-1]),
            "windows": [dataclasses.astuple(window) for window in series.windows],
            "columns": dataclasses.asdict(columns),
        },
        columns=(columns.time, columns.value),
        guesses={**dataclasses.asdict(columns), "period": series.period},
        summary=(
            ("Points", f"{len(series.values):,}", f"{format_duration(series.step_ms)} apart"),
            ("From", _minute(series.times[0]), ""),
            ("To", _minute(series.times[-1]), ""),
            ("Period", span, f"{series.period:,} points" if series.period else "no seasonality"),
            ("Labeled windows", f"{len(series.windows):,}", f"{series.labels.mean():.1%} of the points"),
        ),
    )


def _choose_columns(sheet: Sheet, options: SeriesOptions) -> Columns:
    has_label = options.label != NO_COLUMN or NO_COLUMN in sheet.columns
    label = options.label if has_label else ""
    names = [sheet.known(name) for name in (options.time, options.value, label) if name]
    if len(set(names)) < len(names):
        raise DataError(f"column '{names[0]}' is used twice: time, value and label must be three columns.")
    columns = sheet.guess(Columns(options.time, options.value, label))
    return columns if has_label else dataclasses.replace(columns, label="")


def _minute(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms").astype("datetime64[m]")).replace("T", " ")


def _write(series: Series, folder: Path) -> None:
    np.savez_compressed(folder / FILE, allow_pickle=False, times=series.times, values=series.values)


IMPORTER = Importer[Series](
    kind="series",
    title="series",
    summary="A CSV with a time and a value column, evenly spaced. Labels are optional: without them a model still "
    "raises alarms, but their precision is unknown.",
    unit="points",
    suffixes=("csv", "txt", "tsv"),
    byte_limit=csv_file.BYTES_LIMIT,
    options=SeriesOptions,
    open=lambda payload, repairs: csv_file.open_sheet(cast(bytes, payload)),
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load_custom,
    limits=(f"{ROWS_LIMIT:,} points",),
)
