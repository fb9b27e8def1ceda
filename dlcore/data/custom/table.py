"""A CSV of one's own with several columns becomes a table to train forecasts on: checked, described, kept."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.series.csv_file import LABEL_NAMES, Sheet, open_sheet, shorten
from dlcore.data.series.tables import FILE, Table, parse_numbers
from dlcore.data.sources import locate as sources

LEAST = 200
"""Fewer rows cannot be cut into parts, with a gap between them, to train, validate and test on."""
MOST = 64
"""So many variables at the most: every one is predicted."""


@dataclass(frozen=True)
class ValidatedTable:
    """A table that was checked and can be kept. `left_out` tells of each column that is not in it why."""

    table: Table
    time: str
    left_out: dict[str, str]


def validate(
    payload: bytes, *, time: str = "", columns: Sequence[str] = (), missing: float | None = None
) -> ValidatedTable:
    """Check a CSV; empty cells are holes, and so is the number `missing` where one is given.

    `columns` names the variables; without any, every column of numbers is one.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    return validate_sheet(open_sheet(payload), time=time, columns=columns, missing=missing)


def validate_sheet(
    sheet: Sheet, *, time: str = "", columns: Sequence[str] = (), missing: float | None = None
) -> ValidatedTable:
    """Check a sheet.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    time = sheet.known(time) if time else sheet.guess().time
    times = sheet.times(time)
    if len(times) < LEAST:
        raise DataError(
            f"row {len(times) + 1}: the file ends after {len(times)} rows; to train on, {LEAST} are needed."
        )
    asked = [sheet.known(name) for name in dict.fromkeys(columns)]
    if time in asked:
        raise DataError(f"column '{shorten(time)}' holds the times: it is no variable.")
    kept: dict[str, np.ndarray] = {}
    left_out: dict[str, str] = {}
    for name in asked or [name for name in sheet.columns if name != time]:
        values, why = _column(sheet, name, missing=missing, strict=name in asked)
        if values is None:
            left_out[name] = why
        else:
            kept[name] = values
    if len(kept) < 2:
        raise DataError(
            f"columns of changing numbers beside '{shorten(time)}': {len(kept)}, and a table has two at the least. "
            "A single one is added as a series (--value COLUMN)."
        )
    if len(kept) > MOST:
        raise DataError(
            f"{len(kept)} columns of numbers: {MOST} are the most. Name those that matter (--columns a,b,c)."
        )
    names = tuple(kept)
    return ValidatedTable(Table(times, np.column_stack(list(kept.values())), names, ("",) * len(names)), time, left_out)


def save(name: str, intake: ValidatedTable, *, source: str = "") -> own.CustomDataset:
    """Keep the table under a name.

    Raises:
        RequestError: the name will not do.
        StoreError: the folder cannot be written.
    """
    table = intake.table
    entry = own.CustomDataset(
        name=name,
        kind="table",
        rows=len(table.times),
        checksum=table.checksum,
        source=Path(source).name[:100],
        facts={
            "step_ms": table.step_ms,
            "first": int(table.times[0]),
            "last": int(table.times[-1]),
            "names": list(table.names),
            "missing": round(float(1 - table.observed.mean()), 6),
            "time": intake.time,
        },
    )

    def write(folder: Path) -> None:
        np.savez_compressed(folder / FILE, allow_pickle=False, times=table.times, values=table.values)

    return own.save(entry, write, reserved=sources.DATASETS)


def save_file(path: Path, payload: bytes) -> own.CustomDataset:
    """Keep a CSV that a request named by its path, under its file's name; one that is kept already is found again.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    intake = validate(payload)
    kept = next((entry for entry in own.list_datasets("table") if entry.checksum == intake.table.checksum), None)
    return kept or save(own.free_name(path.stem, reserved=sources.DATASETS), intake, source=path.name)


def load(dataset: str, *, checksum: str = "") -> Table:
    """A table of one's own, as it was checked and kept.

    Raises:
        DataError: it is not here, another one than `checksum` tells, or damaged.
    """
    entry = own.require(dataset, "table", checksum=checksum)
    again = f"remove '{entry.name}' and add its file again"
    try:
        with (entry.folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            times, values = archive["times"], archive["values"]
        names = tuple(str(name) for name in entry.facts["names"])
        table = Table(times, values, names, ("",) * len(names), entry.name)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{entry.folder / FILE} cannot be read ({error}): {again}.") from None
    if table.checksum != entry.checksum:
        raise DataError(f"{entry.folder / FILE} is damaged (its sha256 has changed): {again}.")
    return table


def _column(sheet: Sheet, name: str, *, missing: float | None, strict: bool) -> "tuple[np.ndarray | None, str]":
    """A column's values with holes, or why it is left out; one that was asked for must do.

    Raises:
        DataError: a cell is no number in a column that is one of numbers for the most part, or that was asked for.
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
    seen = values[~np.isnan(values)]
    why = "is empty" if not len(seen) else "never changes" if np.ptp(seen) == 0 else ""
    if why and strict:
        raise DataError(f"column '{shorten(name)}' {why}: there is nothing in it to forecast; leave it out.")
    return (None, why) if why else (values, "")
