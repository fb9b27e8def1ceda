"""Reading of a table over time: columns by role, times, numbers and labels, then the repairs that make it even."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.clocks import Clock
from dlcore.data.series.columns import CALENDAR_NAMES, LABEL_NAMES, Sheet, is_id, parse_flags
from dlcore.data.series.date_formats import NAT
from dlcore.data.series.long_format import pivot_groups, select_group
from dlcore.data.series.missing import repair_codes, repair_missing
from dlcore.data.series.numbers import read_numbers, scan_column
from dlcore.data.series.samples import Samples
from dlcore.data.series.spacing import merge_duplicates, sort_samples, space_evenly
from dlcore.data.series.times import Times, describe_bad_cell, parse_times
from dlcore.data.tabular.cells import list_names, plural, quote_cell, shorten
from dlcore.data.tabular.read import read_table

MIN_ROWS = 8


@dataclass(frozen=True)
class Request:
    """The columns to read: `time` (guessed if empty), `values` (guessed if empty), `label` (empty for none).

    A series (`single`) has one value column and no missing values. `every_column` also reads columns that a table
    leaves out: constant ones and row numbers. `missing` is a number that stands for a missing value.
    """

    time: str = ""
    values: tuple[str, ...] = ()
    label: str = ""
    single: bool = False
    every_column: bool = False
    missing: float | None = None


@dataclass(frozen=True)
class Reading:
    """Evenly spaced samples, the names (V,) of their values, the time column, the clock of the times, the columns of
    the file as (name, role, type), and the first and last time of the file in epoch milliseconds."""

    samples: Samples
    names: tuple[str, ...]
    time: str
    label: str
    clock: Clock
    columns: tuple[tuple[str, str, str], ...]
    span: tuple[int, int]


def open_sheet(payload: bytes, repairs: Repairs) -> Sheet:
    """Read a tabular file as text cells.

    Raises:
        DataError: The file is not a table, too long or too short.
    """
    file = read_table(payload, repairs)
    if len(file.columns) < 2:
        raise DataError(f"row 1: one column ({list_names(file.columns)}): a time and a value column are required.")
    if len(file.rows) < MIN_ROWS:
        last = int(file.rows[-1])
        raise DataError(
            f"row {last}: the file ends after {len(file.rows)} rows of data; at least {MIN_ROWS} are required."
        )
    return Sheet(file)


def read_samples(sheet: Sheet, request: Request, repairs: Repairs) -> Reading:
    """Read the requested columns and repair what is uneven, repeated or missing.

    Raises:
        DataError: A column cannot be used; names the row and the next step.
    """
    source = sheet.find_times(request.time)
    times = parse_times(source.cells, " ".join(source.names), sheet.file.rows, repairs)
    sheet, times = _drop_timeless(sheet, source.cells, times, repairs)
    label = request.label
    names, group = _choose_values(sheet, times.micros, source.names, request, repairs)
    values = read_numbers(sheet.file, names, repairs, _scans(sheet, names), prefers_comma=_prefers_comma(sheet, times))
    if request.missing is not None:
        values = {name: np.where(cells == request.missing, np.nan, cells) for name, cells in values.items()}
    values = repair_codes(sheet.file, values, repairs)
    labels = _read_labels(sheet, label) if label else None
    samples = Samples(
        _to_milliseconds(times.micros, sheet), np.column_stack(list(values.values())), labels, sheet.file.rows
    )
    roles = _describe_columns(sheet, source.names, names, label, group)
    columns = tuple(names)
    if group and request.single:
        samples = select_group(samples, sheet.file.table[group].str.strip(), group, repairs)
    samples = sort_samples(samples, repairs) if not group or request.single else samples
    if group and not request.single:
        samples, columns = pivot_groups(samples, sheet.file.table[group].str.strip(), columns, group, repairs)
        roles = [role for role in roles if role[1] != "value"] + [(name, "value", "number") for name in columns]
    span = int(samples.times[0]), int(samples.times[-1])
    samples = merge_duplicates(samples, repairs)
    samples = repair_missing(samples, columns, repairs, allow_missing=not request.single)
    samples = space_evenly(samples, repairs, allow_missing=not request.single)
    return Reading(samples, columns, source.names[0], label, times.clock, tuple(roles), span)


def _drop_timeless(sheet: Sheet, cells: pd.Series, times: Times, repairs: Repairs) -> tuple[Sheet, Times]:
    """Drop rows whose time is empty or not a time.

    Raises:
        DataError: More than a twentieth of the rows have no time.
    """
    bad = times.micros == NAT
    if not bad.any():
        return sheet, times
    at = int(np.argmax(bad))
    where = f"row {sheet.file.rows[at]}"
    cell = str(cells.iloc[at])
    if bad.sum() > max(3, len(bad) / 20):
        raise DataError(f"{where}: {describe_bad_cell(cell)}.")
    is_footer = bad[at:].all() or not cells[bad].str.strip().any()
    repairs.choose(
        "not_times",
        f"{plural(int(bad.sum()), 'row')} without a time: {describe_bad_cell(cell)}, or drop the row.",
        ("drop",),
        default="drop" if is_footer else "",
        count=int(bad.sum()),
        where=where,
        example=cell,
    )
    repairs.record(f"{plural(int(bad.sum()), 'row')} without a time dropped, first {quote_cell(cell)} in {where}")
    return sheet.select(~bad), Times(times.micros[~bad], times.spans[~bad], times.clock)


def _choose_values(
    sheet: Sheet, micros: np.ndarray, used: tuple[str, ...], request: Request, repairs: Repairs
) -> tuple[list[str], str]:
    """Return the value columns, and the column of groups in a file of time, group and value."""
    with_roles = (*used, *([request.label] if request.label else []))
    requested = [sheet.file.known(name) for name in dict.fromkeys(request.values)]
    for name in requested:
        if name in used:
            raise DataError(f"column '{shorten(name)}' holds the times and cannot be a variable.")
    group = sheet.find_group(micros, (*with_roles, *requested))
    with_roles = (*with_roles, group) if group else with_roles
    if request.single:
        names = requested or [sheet.guess_value(with_roles)]
    elif requested:
        _scans(sheet, requested)
        _require_variables(sheet, requested)
        names = requested
    else:
        names = [
            name
            for name in sheet.columns
            if name not in with_roles
            and ((request.every_column and name in sheet.scans) or not reason_to_leave_out(sheet, name, micros))
        ]
    if not names:
        raise DataError(
            f"no column beside '{shorten(used[0])}' holds numbers that change: choose columns (--columns a,b)."
        )
    if not requested or request.single:
        _note_left_out(sheet, {*with_roles, *names}, micros, repairs)
    return names, group


def _note_left_out(sheet: Sheet, used: set[str], micros: np.ndarray, repairs: Repairs) -> None:
    """Say which columns are not used, and why."""
    reasons: dict[str, list[str]] = {}
    for name in sheet.columns:
        if name not in used:
            reason = reason_to_leave_out(sheet, name, micros) or "not chosen, as a series has one value column"
            reasons.setdefault(reason, []).append(name)
    if reasons:
        words = "; ".join(f"{list_names(names)} ({reason})" for reason, names in reasons.items())
        names = [name for group in reasons.values() for name in group]
        repairs.note(
            "columns_left_out",
            f"{plural(len(names), 'column')} left out: {words}",
            count=len(names),
            example=", ".join(names[:6]),
        )


def reason_to_leave_out(sheet: Sheet, name: str, micros: np.ndarray) -> str:
    """Return why a column is no variable; empty if it may be one."""
    kind = sheet.kinds[name]
    if name.lower() in LABEL_NAMES:
        return "holds labels"
    if kind == "empty":
        return "is empty"
    if name not in sheet.scans:
        return "holds times" if kind in ("date", "datetime", "clock", "yearless") else "holds no numbers"
    if sheet.is_constant(name):
        return "never changes"
    if sheet.is_counter(name):
        return "only counts the rows"
    if is_id(name):
        return "identifies rows"
    plain = sheet.scans[name].plain
    if plain is not None and name.strip().lower() in CALENDAR_NAMES and _repeats_time(plain, micros):
        return "repeats a part of the times"
    if kind == "epoch" and plain is not None:
        steps = np.sign(np.diff(plain))
        return "holds times" if max(np.mean(steps > 0), np.mean(steps < 0)) > 0.95 else ""
    return ""


def _repeats_time(plain: np.ndarray, micros: np.ndarray) -> bool:
    """Whether numbers (N,) are the year, month, day, hour, minute or weekday of the times (N,)."""
    if len(plain) != len(micros) or np.isnan(plain).any() or (micros == NAT).any():
        return False
    days, months = (micros.astype("datetime64[us]").astype(f"datetime64[{unit}]").astype(np.int64) for unit in "DM")
    day = days - months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    hour, minute = micros // 3_600_000_000 % 24, micros // 60_000_000 % 60
    fields = (months // 12 + 1970, months % 12 + 1, day, hour, hour + 1, minute, (days + 3) % 7, (days + 3) % 7 + 1)
    return any(bool((plain == field).all()) for field in fields)


def _require_variables(sheet: Sheet, names: list[str]) -> None:
    for name in names:
        if sheet.is_constant(name):
            raise DataError(f"column '{shorten(name)}' never changes: there is nothing to forecast; leave it out.")


def _scans(sheet: Sheet, names: list[str]) -> dict[str, Any]:
    """Scan the chosen columns.

    Raises:
        DataError: A column has fewer numbers than other cells.
    """
    scans = {name: sheet.scans.get(name) or scan_column(sheet.file.table[name]) for name in names}
    for name, scan in scans.items():
        if scan.share <= 0.5:
            texts = scan.texts.to_numpy()
            at = int(np.argmax(texts != ""))
            raise DataError(
                f"row {sheet.file.rows[at]}, column '{shorten(name)}': {quote_cell(str(texts[at]))} is not a number: "
                "choose another column."
            )
    return scans


def _read_labels(sheet: Sheet, column: str) -> np.ndarray:
    cells = sheet.file.table[sheet.file.known(column)]
    flags = parse_flags(cells)
    bad = np.flatnonzero(flags.isna().to_numpy())
    if len(bad):
        raise DataError(
            f"row {sheet.file.rows[bad[0]]}, column '{shorten(column)}': {quote_cell(cells.iloc[bad[0]])} is not a "
            "label: write 1 for anomalous points and 0 for others."
        )
    return flags.to_numpy(np.float64).astype(bool)


def _prefers_comma(sheet: Sheet, times: Times) -> bool:
    """Whether the file is likely from a country with decimal commas: semicolons, or the day first with dots."""
    marks = [scan.decimal for scan in sheet.scans.values() if scan.decimal]
    return sheet.file.separator == ";" and not marks and bool(times.clock.day_first)


def _to_milliseconds(micros: np.ndarray, sheet: Sheet) -> np.ndarray:
    times: np.ndarray = micros // 1000
    if (micros % 1000).any() and len(np.unique(times)) < len(np.unique(micros)):
        raise DataError(
            f"row {sheet.file.rows[0]}: times are less than a millisecond apart: resample the file to milliseconds."
        )
    return times


def _describe_columns(
    sheet: Sheet, times: tuple[str, ...], values: list[str], label: str, group: str
) -> list[tuple[str, str, str]]:
    roles = {**dict.fromkeys(values, "value"), **dict.fromkeys(times, "time"), label: "label", group: "group"}
    kinds = {"date": "time", "datetime": "time", "clock": "time", "yearless": "time", "empty": "empty", "text": "text"}
    described = []
    for name in sheet.columns:
        role = roles.get(name, "left_out")
        kind = {"time": "time", "label": "boolean", "value": "number"}.get(role) or kinds.get(
            sheet.kinds[name], "number"
        )
        described.append((name, role, kind))
    return described
