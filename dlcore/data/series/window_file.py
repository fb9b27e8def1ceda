"""Reader of labeled windows: a table or JSON with start, end and optional name."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.clocks import Clock
from dlcore.data.series.date_formats import DAY_US, NAT
from dlcore.data.series.samples import format_time
from dlcore.data.series.series import LabeledWindow
from dlcore.data.series.times import Times, parse_times
from dlcore.data.tabular.cells import shorten
from dlcore.data.tabular.encoding import decode_text
from dlcore.data.tabular.read import read_table

BYTES_LIMIT = 2**20
MAX_WINDOWS = 10_000
NAME_LENGTH = 60
Rows = list[tuple[str, tuple[Any, ...]]]


def parse(payload: bytes, *, clock: Clock | None = None, repairs: Repairs | None = None) -> tuple[LabeledWindow, ...]:
    """Parse windows from a table (`start,end` and optionally `name`) or JSON.

    JSON is a list of `[start, end]`, `[start, end, name]` or objects with these names, possibly under `windows`. Both
    ends are included; an end given as a day, week or month includes all of it. Dates are read as in the series: its
    `clock` tells the order of day and month and the time zone.

    Raises:
        DataError: Names the row (CSV) or window (JSON) and the problem.
    """
    repairs = repairs if repairs is not None else Repairs(accept_defaults=True)
    if len(payload) > BYTES_LIMIT:
        raise DataError(f"the file of windows is larger than {BYTES_LIMIT // 2**20} MB: is it the right one?")
    scratch = Repairs(accept_defaults=True)
    is_text = not payload.startswith((b"PK\x03\x04", b"PAR1"))
    text = decode_text(payload, scratch, limit=BYTES_LIMIT)[0].strip() if is_text else ""
    rows = _from_json(text) if text[:1] in ("[", "{") else _from_table(payload, scratch)
    if len(rows) > MAX_WINDOWS:
        raise DataError(f"{len(rows):,} windows are more than the limit of {MAX_WINDOWS:,}: merge or remove some.")
    if not rows:
        return ()
    starts, ends = _parse_times(rows, clock, repairs)
    return tuple(_build(*row, *moments) for row, moments in zip(rows, zip(starts, ends, strict=True), strict=True))


def from_labels(times: np.ndarray, labels: np.ndarray) -> tuple[LabeledWindow, ...]:
    """Convert labels (T,) at times (T,) to one numbered window per run of true values.

    Raises:
        DataError: There are too many windows.
    """
    edges = np.diff(np.r_[0, labels.astype(np.int8), 0])
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if len(starts) > MAX_WINDOWS:
        raise DataError(f"{len(starts):,} labeled windows are more than the limit of {MAX_WINDOWS:,}: merge some.")
    pairs = zip(starts, stops, strict=True)
    return tuple(
        LabeledWindow(int(times[start]), int(times[stop - 1]), f"event {number}")
        for number, (start, stop) in enumerate(pairs, start=1)
    )


def check_windows(windows: tuple[LabeledWindow, ...], times: np.ndarray) -> None:
    """Check that every window contains a point of the series.

    Raises:
        DataError: Names the first window without a point.
    """
    for number, window in enumerate(windows, start=1):
        inside = np.searchsorted(times, window.end, side="right") - np.searchsorted(times, window.start)
        if inside <= 0:
            outside = window.end < times[0] or window.start > times[-1]
            problem = (
                f"lies outside the series ({format_time(times[0])} to {format_time(times[-1])})"
                if outside
                else "falls between two points of the series"
            )
            raise DataError(
                f"window {number} ({format_time(window.start)} to {format_time(window.end)}) {problem}: "
                "correct its times."
            )


def _from_table(payload: bytes, repairs: Repairs) -> Rows:
    try:
        file = read_table(payload, repairs)
    except DataError as error:
        if str(error).startswith(("row 1: this is", "the file is empty")):
            raise
        if "ends after its header" not in str(error):
            raise DataError(
                "the file of windows is not a table: write rows of start,end,name below that header."
            ) from None
        _check_header([part.strip(' "') for part in re.split(r"[,;\t|]", payload.decode("utf-8", "replace"))])
        return []
    table = file.table
    table.columns = pd.Index([str(name).strip().lower() for name in table.columns])
    _check_header(list(table.columns))
    names = table["name"] if "name" in table.columns else [""] * len(table)
    rows = zip(table["start"], table["end"], names, strict=True)
    return [(f"row {number} of the windows", row) for number, row in zip(file.rows, rows, strict=True)]


def _check_header(names: list[str]) -> None:
    missing = [name for name in ("start", "end") if name not in [other.lower() for other in names]]
    if missing or len(set(names)) < len(names):
        problem = f"there is no column '{missing[0]}'" if missing else "two columns have the same name"
        raise DataError(f"row 1 of the windows: {problem}: the header must be start,end or start,end,name.")


def _from_json(text: str) -> Rows:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError("the file of windows is not JSON: write [[start, end, name], ...], or a CSV.") from None
    if isinstance(value, dict):
        value = value.get("windows")
    if not isinstance(value, list):
        raise DataError("the JSON of windows must be a list, or have one under 'windows'.")
    rows: Rows = []
    for number, item in enumerate(value, start=1):
        where = f"window {number}"
        if isinstance(item, Mapping):
            name = item.get("name", item.get("event", ""))
            rows.append((where, (item.get("start"), item.get("end"), name)))
        elif isinstance(item, list) and 2 <= len(item) <= 3:
            rows.append((where, (*item, "")[:3]))
        else:
            raise DataError(f"{where}: {shorten(item)} is neither [start, end] nor [start, end, name].")
    return rows


def _parse_times(rows: Rows, clock: Clock | None, repairs: Repairs) -> tuple[list[int], list[int]]:
    """Parse starts and ends together, as the order of day and month holds for all of them."""
    cells = pd.Series([_as_cell(row[part]) for part in (0, 1) for _, row in rows], dtype=object)
    for at, cell in enumerate(cells):
        where, part = rows[at % len(rows)][0], ("start", "end")[at >= len(rows)]
        if not isinstance(cell, str) or not cell.strip():
            raise DataError(f"{where}, {part}: '{shorten(cell)}' is not a time: write it as 2014-07-01 00:30.")
    numbers = np.arange(2, 2 + len(cells))
    try:
        times = parse_times(cells, "start and end", numbers, repairs, clock=clock or Clock())
    except DataError as error:
        if "is not a time" not in str(error):
            raise DataError(f"windows: {error}") from None
        times = Times(np.full(len(cells), NAT), np.full(len(cells), ""), Clock())
    bad = np.flatnonzero(times.micros == NAT)
    if len(bad):
        at = int(bad[0])
        where, part = rows[at % len(rows)][0], ("start", "end")[at >= len(rows)]
        raise DataError(f"{where}, {part}: '{shorten(cells[at])}' is not a time: write it as 2014-07-01 00:30.")
    milliseconds = times.micros // 1000
    stops = _ends(times, clock or Clock())
    return milliseconds[: len(rows)].tolist(), stops[len(rows) :].tolist()


def _as_cell(value: Any) -> Any:
    """Return a number of JSON, such as epoch seconds, as text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _ends(times: Times, clock: Clock) -> np.ndarray:
    """The last millisecond (N,) of what each cell names: a whole day, week, month or quarter, or a point in time."""
    local = times.micros if times.local is None else times.local
    ends = times.micros // 1000
    for span, days in (("D", 1), ("W", 7)):
        at = times.spans == span
        ends[at] = clock.to_utc(local[at] + days * DAY_US) // 1000 - 1
    for span, count in (("M", 1), ("Q", 3)):
        at = times.spans == span
        months = local[at].astype("datetime64[us]").astype("datetime64[M]") + count
        ends[at] = clock.to_utc(months.astype("datetime64[us]").astype(np.int64)) // 1000 - 1
    return ends


def _build(where: str, row: tuple[Any, ...], start: int, end: int) -> LabeledWindow:
    if end < start:
        raise DataError(f"{where}: it ends ({shorten(row[1])}) before it starts ({shorten(row[0])}): swap them.")
    return LabeledWindow(start, end, sanitize_name(row[2]))


def sanitize_name(text: object) -> str:
    """Make the name of a window safe for a page: one line without markup."""
    clean = "".join(c for c in str(text or "") if c.isprintable() and c not in "<>[]()`*_$\\|&")
    return " ".join(clean.split()).lstrip("=@+-")[:NAME_LENGTH] or "labeled"
