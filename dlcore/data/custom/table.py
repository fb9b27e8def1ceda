"""Import of a custom table: several numeric columns over time, and labeled windows if there are any."""

from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pydantic

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom.importer import Importer, Inspection, Preview, column, column_list
from dlcore.data.custom.label_columns import LABEL, WINDOWS, choose_label, read_windows
from dlcore.data.custom.text_columns import sample_rows
from dlcore.data.repairs import Repairs
from dlcore.data.series.columns import Sheet
from dlcore.data.series.content import describe_reading
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.reading import Reading, Request, open_sheet, read_samples
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.tables import FILE, Table, forward_fill, load_custom
from dlcore.data.tabular.cells import shorten
from dlcore.data.tabular.read import BYTES_LIMIT, ROWS_LIMIT, SUFFIXES

MIN_ROWS, FEW_ROWS = 30, 100
"""A shorter table has no training, validation and test parts with a gap between them; scores of fewer rows than the
second are uncertain."""
MAX_VARIABLES = 64


class TableOptions(Config):
    """Columns of the file by role."""

    time: str = column("The time column.")
    columns: tuple[str, ...] = column_list("The variables, as a,b,c or all; every numeric column by default.")
    label: str = LABEL
    windows: bytes | None = WINDOWS
    missing: float | None = pydantic.Field(
        None, description="Missing-value code: a number such as -200 that marks a missing value."
    )

    @pydantic.field_validator("columns", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Split comma-separated text, as on the command line."""
        if not isinstance(value, str):
            return value
        return () if value.strip() == "all" else tuple(name.strip() for name in value.split(",") if name.strip())


def inspect(sheet: Sheet) -> Inspection:
    """List the columns and guess which holds the times.

    Raises:
        DataError: No column holds times.
    """
    times = sheet.find_times().names
    options = {"time": times[0], "label": sheet.find_label(times)}
    return Inspection(sheet.columns, options, sheet.file.format, sample_rows(sheet.file))


def validate(sheet: Sheet, options: TableOptions, repairs: Repairs) -> Preview[Table]:
    """Check every cell of a table; cells may stay empty, other problems are repaired as chosen.

    Raises:
        DataError: Names the row and column of a problem that no repair solves.
    """
    label = choose_label(sheet, options.label, options.time, *options.columns)
    reading = read_samples(sheet, Request(options.time, options.columns, label, missing=options.missing), repairs)
    samples, names = reading.samples, reading.names
    if len(samples) < MIN_ROWS:
        raise DataError(
            f"row {sheet.file.rows[-1]}: the file ends after {len(samples)} rows; training needs at least "
            f"{MIN_ROWS}: add more rows, or shorter steps."
        )
    if len(samples) < FEW_ROWS:
        repairs.note(
            "few_points",
            f"{len(samples)} rows are few: the forecast uses a short window, and its scores are uncertain.",
            count=len(samples),
        )
    if len(names) < 2:
        raise DataError(
            f"numeric columns that change beside '{shorten(reading.time)}': {len(names)}; a table needs at least two. "
            "Add a single one as a series (--value COLUMN)."
        )
    if len(names) > MAX_VARIABLES:
        raise DataError(
            f"{len(names)} numeric columns are more than {MAX_VARIABLES}: name those to use (--columns a,b,c)."
        )
    windows = read_windows(reading, options.windows, repairs)
    table = Table(samples.times, samples.values, names, ("",) * len(names), windows=windows)
    first = forward_fill(table.values, np.nanmean(table.values, axis=0))[:, 0]
    period = detect_period(first, table.step_ms)
    content = describe_reading(reading, step_ms=table.step_ms, period=period, windows=windows)
    return replace(_preview(table, reading), content=content)


def _preview(table: Table, reading: Reading) -> Preview[Table]:
    observed = table.observed
    missing = float(1 - observed.mean())
    return Preview(
        kind="table",
        data=table,
        rows=len(table.times),
        checksum=table.checksum,
        facts={
            "step_ms": table.step_ms,
            "first": int(table.times[0]),
            "last": int(table.times[-1]),
            "names": list(table.names),
            "missing": round(missing, 6),
            "time": reading.time,
            "windows": [astuple(window) for window in table.windows],
        },
        columns=table.names,
        guesses={"time": reading.time},
        summary=(
            ("Rows", f"{len(table.times):,}", f"{format_duration(table.step_ms)} apart"),
            ("Variables", str(len(table.names)), ""),
            ("Missing", f"{missing:.1%}", "of all values"),
            *([("Labeled windows", f"{len(table.windows):,}", "")] if table.windows else []),
        ),
        samples=tuple(
            {
                "Variable": name,
                "Observed": f"{observed[:, v].mean():.1%}",
                "Mean": f"{np.nanmean(table.values[:, v]):.4g}",
                "Minimum": f"{np.nanmin(table.values[:, v]):.4g}",
                "Maximum": f"{np.nanmax(table.values[:, v]):.4g}",
            }
            for v, name in enumerate(table.names)
        ),
    )


def _write(table: Table, folder: Path) -> None:
    np.savez_compressed(folder / FILE, allow_pickle=False, times=table.times, values=table.values)


IMPORTER = Importer[Table](
    kind="table",
    title="table",
    summary="A table (CSV, Excel, Parquet or JSON) with a time column and two or more numeric columns; cells may be "
    "empty. Labels are optional.",
    unit="rows",
    suffixes=SUFFIXES,
    byte_limit=BYTES_LIMIT,
    options=TableOptions,
    open=lambda payload, repairs: open_sheet(cast(bytes, payload), repairs),
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load_custom,
    limits=(f"{ROWS_LIMIT:,} rows", f"{MAX_VARIABLES} columns"),
)
