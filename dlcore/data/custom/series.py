"""Import of a custom series: a table with a time and a value column, and labeled windows if there are any."""

import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import pydantic

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom.importer import Importer, Inspection, Preview, column
from dlcore.data.custom.label_columns import LABEL, WINDOWS, choose_label, read_windows
from dlcore.data.custom.text_columns import sample_rows
from dlcore.data.repairs import Repairs
from dlcore.data.series.columns import Columns, Sheet
from dlcore.data.series.content import describe_reading
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.reading import Request, open_sheet, read_samples
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import FILE, Series, load_custom
from dlcore.data.tabular.read import BYTES_LIMIT, ROWS_LIMIT, SUFFIXES

MIN_POINTS, FEW_POINTS = 30, 100
"""A shorter series cannot be split into training, validation and test parts; with fewer than the second, few models
can learn, and every score is uncertain."""


class SeriesOptions(Config):
    """Columns of the file by role, and properties of the series."""

    time: str = column("The time column.")
    value: str = column("The value column.")
    label: str = LABEL
    windows: bytes | None = WINDOWS
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
    times = sheet.find_times().names
    label = sheet.find_label(times)
    value = sheet.guess_value((*times, *([label] if label else [])))
    options = {"time": times[0], "value": value, "label": label}
    return Inspection(sheet.columns, options, sheet.file.format, sample_rows(sheet.file))


def validate(sheet: Sheet, options: SeriesOptions, repairs: Repairs) -> Preview[Series]:
    """Check every row of a series; problems are repaired as chosen.

    Raises:
        DataError: Names the row and column of a problem that no repair solves.
    """
    label = choose_label(sheet, options.label, options.time, options.value)
    values = (options.value,) if options.value else ()
    reading = read_samples(sheet, Request(options.time, values, label, single=True), repairs)
    samples = reading.samples
    if len(samples) < MIN_POINTS:
        raise DataError(
            f"row {sheet.file.rows[-1]}: the file ends after {len(samples)} points; training needs at least "
            f"{MIN_POINTS}: add more rows, or shorter steps."
        )
    if len(samples) < FEW_POINTS:
        repairs.note("few_points", describe_few(len(samples)), count=len(samples))
    windows = read_windows(reading, options.windows, repairs)
    series = Series(samples.times, samples.values[:, 0], windows)
    detected = detect_period(series.values, series.step_ms)
    period = detected if options.period is None else options.period
    if period != 0 and not 2 <= period <= len(samples) // 2:
        raise DataError(f"period={period} is out of range: use 0 (none) or 2 to {len(samples) // 2} points.")
    series = dataclasses.replace(series, period=period)
    columns = Columns(reading.time, reading.names[0], reading.label)
    content = describe_reading(reading, step_ms=series.step_ms, period=period, windows=windows)
    return dataclasses.replace(preview_series(series, columns), content=content)


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


def describe_few(points: int) -> str:
    """Say what can be learned from few points."""
    return (
        f"{points} points are few: a forecast beside its naive baselines and a dense autoencoder can be trained, "
        "networks of long windows cannot, and scores are uncertain."
    )


def _minute(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms").astype("datetime64[m]")).replace("T", " ")


def _write(series: Series, folder: Path) -> None:
    np.savez_compressed(folder / FILE, allow_pickle=False, times=series.times, values=series.values)


IMPORTER = Importer[Series](
    kind="series",
    title="series",
    summary="A table (CSV, Excel, Parquet or JSON) with a time and a value column. Labels are optional: without them a "
    "model still raises alarms, but their precision is unknown.",
    unit="points",
    suffixes=SUFFIXES,
    byte_limit=BYTES_LIMIT,
    options=SeriesOptions,
    open=lambda payload, repairs: open_sheet(cast(bytes, payload), repairs),
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load_custom,
    limits=(f"{ROWS_LIMIT:,} points",),
)
