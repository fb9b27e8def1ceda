"""Reader of labeled windows: CSV or JSON with start, end and optional name."""

import io
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.series.csv_cells import shorten
from dlcore.data.series.csv_file import decode_text
from dlcore.data.series.series import DAY_MS, LabeledWindow

BYTES_LIMIT = 2**20
MAX_WINDOWS = 10_000
NAME_LENGTH = 60
_WHOLE_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")


def parse(payload: bytes) -> tuple[LabeledWindow, ...]:
    """Parse windows from CSV (`start,end` and optionally `name`) or JSON.

    JSON is a list of `[start, end]`, `[start, end, name]` or objects with these names, possibly under `windows`. Both
    ends are included; an end given as a day includes the whole day.

    Raises:
        DataError: Names the row (CSV) or window (JSON) and the problem.
    """
    if len(payload) > BYTES_LIMIT:
        raise DataError(f"the file of windows is larger than {BYTES_LIMIT // 2**20} MB: is it the right one?")
    text = decode_text(payload).strip()
    rows = _from_json(text) if text[:1] in "[{" else _from_csv(text)
    if len(rows) > MAX_WINDOWS:
        raise DataError(f"{len(rows):,} windows are more than the limit of {MAX_WINDOWS:,}: merge or remove some.")
    return tuple(_parse_window(where, row) for where, row in rows)


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
                f"lies outside the series ({_format_time(times[0])} to {_format_time(times[-1])})"
                if outside
                else "falls between two points of the series"
            )
            raise DataError(
                f"window {number} ({_format_time(window.start)} to {_format_time(window.end)}) {problem}: "
                "correct its times."
            )


def _from_csv(text: str) -> list[tuple[str, tuple[Any, ...]]]:
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=None, engine="python")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
        raise DataError("the file of windows is not a table: write rows of start,end,name below that header.") from None
    table.columns = [str(name).strip().lower() for name in table.columns]
    missing = [name for name in ("start", "end") if name not in table.columns]
    if missing or table.columns.has_duplicates:
        problem = f"there is no column '{missing[0]}'" if missing else "two columns have the same name"
        raise DataError(f"row 1 of the windows: {problem}: the header must be start,end or start,end,name.")
    names = table["name"] if "name" in table.columns else [""] * len(table)
    rows = zip(table["start"], table["end"], names, strict=True)
    return [(f"row {number} of the windows", row) for number, row in enumerate(rows, start=2)]


def _from_json(text: str) -> list[tuple[str, tuple[Any, ...]]]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError("the file of windows is not JSON: write [[start, end, name], ...], or a CSV.") from None
    if isinstance(value, dict):
        value = value.get("windows")
    if not isinstance(value, list):
        raise DataError("the JSON of windows must be a list, or have one under 'windows'.")
    rows = []
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


def _parse_window(where: str, row: tuple[Any, ...]) -> LabeledWindow:
    start, end = (_parse_time(where, part, text) for part, text in zip(("start", "end"), row[:2], strict=True))
    if _WHOLE_DAY.fullmatch(str(row[1]).strip()):
        end += DAY_MS - 1
    if end < start:
        raise DataError(f"{where}: it ends ({shorten(row[1])}) before it starts ({shorten(row[0])}): swap them.")
    return LabeledWindow(start, end, sanitize_name(row[2]))


def sanitize_name(text: object) -> str:
    """Make the name of a window safe for a page: one line without markup."""
    clean = "".join(c for c in str(text or "") if c.isprintable() and c not in "<>[]()`*_$\\|&")
    return " ".join(clean.split()).lstrip("=@+-")[:NAME_LENGTH] or "labeled"


def _parse_time(where: str, part: str, text: object) -> int:
    stamp = pd.to_datetime(str(text).strip(), errors="coerce", utc=True) if isinstance(text, str) else pd.NaT
    if stamp is pd.NaT:
        raise DataError(f"{where}, {part}: '{shorten(text)}' is not a time: write it as 2014-07-01 00:30.")
    return int(stamp.tz_localize(None).value // 1_000_000)


def _format_time(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")
