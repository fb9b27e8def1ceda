"""A CSV of one's own becomes a series that models can be trained on: checked, described, kept.

What a page shows before anything is kept, and what the command line keeps at once, is the same `ValidatedSeries`.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as own
from dlcore.data.series import window_file as series_windows
from dlcore.data.series.csv_file import Columns, Sheet, open_sheet
from dlcore.data.series.seasonality import detect_period
from dlcore.data.series.series import FILE, Series
from dlcore.data.sources import locate as sources

LEAST = 100
"""Fewer points cannot be cut into parts to train, validate and test on."""


@dataclass(frozen=True)
class ValidatedSeries:
    """A series that was checked and can be kept. `guessed` is the period found in it, in points; 0 for none."""

    series: Series
    columns: Columns
    guessed: int


def validate(
    payload: bytes, *, windows: bytes | None = None, period: int | None = None, asked: Columns | None = None
) -> ValidatedSeries:
    """Check a CSV, and a file of labelled windows with it; `asked` names columns, empty ones are guessed.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    sheet = open_sheet(payload)
    return validate_sheet(sheet, columns=choose_columns(sheet, asked), windows=windows, period=period)


def choose_columns(sheet: Sheet, asked: Columns | None) -> Columns:
    """The columns asked for, the others guessed among those that are left.

    Raises:
        DataError: a column is not there, or none will do.
    """
    asked = asked or Columns("", "")
    named = [sheet.known(name) for name in (asked.time, asked.value, asked.label) if name]
    if len(set(named)) < len(named):
        raise DataError(f"column '{named[0]}' is asked for twice: time, value and label are three columns.")
    return sheet.guess(asked)


def validate_sheet(
    sheet: Sheet, *, columns: Columns, windows: bytes | None = None, period: int | None = None
) -> ValidatedSeries:
    """Check a sheet whose columns are known.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    times, values = sheet.times(columns.time), sheet.values(columns.value)
    if len(values) < LEAST:
        raise DataError(
            f"row {len(values) + 1}: the file ends after {len(values)} points; to train on, {LEAST} are the least."
        )
    if windows is not None:
        labelled = series_windows.parse(windows)
    else:
        labelled = series_windows.from_labels(times, sheet.labels(columns.label)) if columns.label else ()
    series_windows.check_windows(labelled, times)
    series = Series(times, values, labelled)
    guessed = detect_period(values, series.step_ms)
    return with_period(ValidatedSeries(series, columns, guessed), period)


def with_period(intake: ValidatedSeries, period: int | None) -> ValidatedSeries:
    """The same with another period, in points; None takes the one that was found.

    Raises:
        DataError: it is longer than half the series.
    """
    points = len(intake.series.values)
    if period is not None and period != 0 and not 2 <= period <= points // 2:
        raise DataError(f"period={period} is refused: it must be 0 (none) or from 2 to {points // 2} points.")
    chosen = intake.guessed if period is None else period
    return dataclasses.replace(intake, series=dataclasses.replace(intake.series, period=chosen))


def save(name: str, intake: ValidatedSeries, *, source: str = "") -> own.CustomDataset:
    """Keep the series under a name.

    Raises:
        RequestError: the name will not do.
        StoreError: the folder cannot be written.
    """
    series = intake.series
    entry = own.CustomDataset(
        name=name,
        kind="series",
        rows=len(series.values),
        checksum=series.checksum,
        source=Path(source).name[:100],
        facts={
            "step_ms": series.step_ms,
            "period": series.period,
            "first": int(series.times[0]),
            "last": int(series.times[-1]),
            "windows": [dataclasses.astuple(window) for window in series.windows],
            "columns": dataclasses.asdict(intake.columns),
        },
    )

    def write(folder: Path) -> None:
        np.savez_compressed(folder / FILE, allow_pickle=False, times=series.times, values=series.values)

    return own.save(entry, write, reserved=sources.DATASETS)


def save_file(path: Path, payload: bytes) -> own.CustomDataset:
    """Keep a CSV that a request named by its path, under its file's name; one that is kept already is found again.

    Raises:
        DataError: names the row and the column of the first thing that is wrong.
    """
    intake = validate(payload)
    same = [entry for entry in own.list_datasets("series") if entry.checksum == intake.series.checksum]
    labels = [list(dataclasses.astuple(window)) for window in intake.series.windows]
    kept = next((entry for entry in same if [list(w) for w in entry.facts["windows"]] == labels), None)
    return kept or save(own.free_name(path.stem, reserved=sources.DATASETS), intake, source=path.name)
