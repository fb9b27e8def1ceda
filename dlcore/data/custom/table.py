"""Import of a custom table: a CSV with several numeric columns over time, to be forecast together."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pydantic

from dlcore.core.config import Config
from dlcore.core.errors import DataError
from dlcore.data.custom.importer import Importer, Inspection, Preview, column, column_list
from dlcore.data.repairs import Repairs
from dlcore.data.series import csv_file
from dlcore.data.series.csv_cells import shorten
from dlcore.data.series.csv_file import LABEL_NAMES, Sheet
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.tables import FILE, Table, load_custom, parse_numbers
from dlcore.data.tabular.read import ROWS_LIMIT

MIN_ROWS = 200
"""A shorter table cannot be split into training, validation and test parts with a gap between them."""
MAX_VARIABLES = 64


class TableOptions(Config):
    """Columns of the CSV to forecast."""

    time: str = column("The time column.")
    columns: tuple[str, ...] = column_list("The variables, as a,b,c or all; every numeric column by default.")
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
    return Inspection(sheet.columns, {"time": sheet.guess().time})


def validate(sheet: Sheet, options: TableOptions, repairs: Repairs) -> Preview[Table]:
    """Check every cell of a table; empty cells are missing values.

    Raises:
        DataError: Names the row and column of the first problem.
    """
    time = sheet.known(options.time) if options.time else sheet.guess().time
    times = sheet.times(time)
    if len(times) < MIN_ROWS:
        raise DataError(
            f"row {len(times) + 1}: the file ends after {len(times)} rows; training needs at least {MIN_ROWS}."
        )
    requested = [sheet.known(name) for name in dict.fromkeys(options.columns)]
    if time in requested:
        raise DataError(f"column '{shorten(time)}' holds the times and cannot be a variable.")
    values: dict[str, np.ndarray] = {}
    for name in requested or [name for name in sheet.columns if name != time]:
        cells, reason = _read_column(sheet, name, missing=options.missing, strict=name in requested)
        if cells is None:
            repairs.note("column_left_out", f"left out: it {reason}", where=f"column '{name}'")
        else:
            values[name] = cells
    if len(values) < 2:
        raise DataError(
            f"numeric columns that change beside '{shorten(time)}': {len(values)}; a table needs at least two. "
            "Add a single one as a series (--value COLUMN)."
        )
    if len(values) > MAX_VARIABLES:
        raise DataError(
            f"{len(values)} numeric columns are more than {MAX_VARIABLES}: name those to use (--columns a,b,c)."
        )
    names = tuple(values)
    table = Table(times, np.column_stack(list(values.values())), names, ("",) * len(names))
    return _preview(table, time)


def _preview(table: Table, time: str) -> Preview[Table]:
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
            "time": time,
        },
        columns=table.names,
        guesses={"time": time},
        summary=(
            ("Rows", f"{len(table.times):,}", f"{format_duration(table.step_ms)} apart"),
            ("Variables", str(len(table.names)), ""),
            ("Missing", f"{missing:.1%}", "of all values"),
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


def _read_column(sheet: Sheet, name: str, *, missing: float | None, strict: bool) -> tuple[np.ndarray | None, str]:
    """Return a column's values, or None with the reason why it is left out; `strict` for a requested column.

    Raises:
        DataError: A cell is not a number in a column that is requested or mostly numeric.
    """
    if not strict and name.lower() in LABEL_NAMES:
        return None, "holds labels"
    try:
        values = parse_numbers(sheet.table[name], name)
    except DataError:
        if strict or sheet.mostly_numbers(name):
            raise
        return None, "holds no numbers"
    if missing is not None:
        values = np.where(values == missing, np.nan, values)
    observed = values[~np.isnan(values)]
    reason = "is empty" if not len(observed) else "never changes" if np.ptp(observed) == 0 else ""
    if reason and strict:
        raise DataError(f"column '{shorten(name)}' {reason}: there is nothing to forecast; leave it out.")
    return (None, reason) if reason else (values, "")


def _write(table: Table, folder: Path) -> None:
    np.savez_compressed(folder / FILE, allow_pickle=False, times=table.times, values=table.values)


IMPORTER = Importer[Table](
    kind="table",
    title="table",
    summary="A CSV with a time column, evenly spaced, and two or more numeric columns; cells may be empty. A model "
    "forecasts all columns at once.",
    unit="rows",
    suffixes=("csv", "txt", "tsv"),
    byte_limit=csv_file.BYTES_LIMIT,
    options=TableOptions,
    open=lambda payload, repairs: csv_file.open_sheet(cast(bytes, payload)),
    inspect=inspect,
    validate=validate,
    write=_write,
    load=load_custom,
    limits=(f"{ROWS_LIMIT:,} rows", f"{MAX_VARIABLES} columns"),
)
