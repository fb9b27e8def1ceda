"""Labelled windows from a small file of one's own: CSV or JSON of start, end and, if wanted, a name."""

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
MOST = 10_000
NAME_LENGTH = 60
_WHOLE_DAY = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")


def parse(payload: bytes) -> tuple[LabeledWindow, ...]:
    """The bytes of a CSV (`start,end` and perhaps `name`), or of JSON: a list of `[start, end]`, of
    `[start, end, name]` or of objects with these names, alone or under `windows`.

    Both ends belong to a window; an end that is a day alone means that whole day.

    Raises:
        DataError: names the row (of a CSV) or window (of JSON) and what is wrong there.
    """
    if len(payload) > BYTES_LIMIT:
        raise DataError(f"the file of windows is larger than {BYTES_LIMIT // 2**20} MB: is it the right one?")
    text = decode_text(payload).strip()
    rows = _from_json(text) if text[:1] in "[{" else _from_csv(text)
    if len(rows) > MOST:
        raise DataError(f"{len(rows):,} windows are more than the {MOST:,} that are read: join or drop some.")
    return tuple(_window(where, row) for where, row in rows)


def from_labels(times: np.ndarray, labels: np.ndarray) -> tuple[LabeledWindow, ...]:
    """One window for each run of true in labels (T,) over times (T,), numbered in order.

    Raises:
        DataError: there are too many.
    """
    edges = np.diff(np.r_[0, labels.astype(np.int8), 0])
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if len(starts) > MOST:
        raise DataError(f"{len(starts):,} labelled stretches are more than the {MOST:,} that are read: join some.")
    pairs = zip(starts, stops, strict=True)
    return tuple(
        LabeledWindow(int(times[start]), int(times[stop - 1]), f"event {number}")
        for number, (start, stop) in enumerate(pairs, start=1)
    )


def check_windows(windows: tuple[LabeledWindow, ...], times: np.ndarray) -> None:
    """Every window holds a point of the series.

    Raises:
        DataError: names the first that holds none.
    """
    for number, window in enumerate(windows, start=1):
        inside = np.searchsorted(times, window.end, side="right") - np.searchsorted(times, window.start)
        if inside <= 0:
            outside = window.end < times[0] or window.start > times[-1]
            problem = (
                f"lies outside the series ({_stamp(times[0])} to {_stamp(times[-1])})"
                if outside
                else "falls between two points of the series"
            )
            raise DataError(
                f"window {number} ({_stamp(window.start)} to {_stamp(window.end)}) {problem}: correct its times."
            )


def _from_csv(text: str) -> list[tuple[str, tuple[Any, ...]]]:
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, sep=None, engine="python")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
        raise DataError("the file of windows is no table: write rows of start,end,name under that header.") from None
    table.columns = [str(name).strip().lower() for name in table.columns]
    missing = [name for name in ("start", "end") if name not in table.columns]
    if missing or table.columns.has_duplicates:
        problem = f"there is no column '{missing[0]}'" if missing else "two columns have one name"
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
        raise DataError("the JSON of windows must be a list, or hold one under 'windows'.")
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


def _window(where: str, row: tuple[Any, ...]) -> LabeledWindow:
    start, end = (_moment(where, part, text) for part, text in zip(("start", "end"), row[:2], strict=True))
    if _WHOLE_DAY.fullmatch(str(row[1]).strip()):
        end += DAY_MS - 1
    if end < start:
        raise DataError(f"{where}: it ends ({shorten(row[1])}) before it starts ({shorten(row[0])}): swap them.")
    return LabeledWindow(start, end, sanitize_name(row[2]))


def sanitize_name(text: object) -> str:
    """A stranger's name for a window, fit for a page: one line, no markup."""
    kept = "".join(c for c in str(text or "") if c.isprintable() and c not in "<>[]()`*_$\\|&")
    return " ".join(kept.split()).lstrip("=@+-")[:NAME_LENGTH] or "labelled"


def _moment(where: str, part: str, text: object) -> int:
    stamp = pd.to_datetime(str(text).strip(), errors="coerce", utc=True) if isinstance(text, str) else pd.NaT
    if stamp is pd.NaT:
        raise DataError(f"{where}, {part}: '{shorten(text)}' is no time: write it like 2014-07-01 00:30.")
    return int(stamp.tz_localize(None).value // 1_000_000)


def _stamp(milliseconds: int) -> str:
    return str(np.datetime64(int(milliseconds), "ms")).replace("T", " ").removesuffix(".000")
