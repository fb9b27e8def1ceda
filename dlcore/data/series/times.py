"""Times of a file: text cells become UTC times, with the order of day and month and the zone decided by all cells."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.clocks import Clock, find_zones, is_zone, localize, parse_offset, require_zone
from dlcore.data.series.date_formats import CLOCK, DAY_US, NAT, SPANS, YEARLESS, Fields, match_formats
from dlcore.data.tabular.cells import quote_cell, replace_comma, shorten, strip_cells

EXAMPLE = "write it as 2014-07-01 00:30"
_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?"
_DURATION = re.compile(r"-?\d+ days?\b|P(?:T?\d+(?:\.\d+)?[A-Z])+$|\d+ ?(?:h|min|s)\b", re.IGNORECASE)
_RANGE = re.compile(r"(.*\d.*?)\s+(?:-|–|bis|to)\s+(.*\d.*)")
_EPOCHS = ((1e8, 1e11, 1_000_000, "seconds"), (1e11, 1e14, 1000, "milliseconds"), (1e14, 1e17, 1, "microseconds"))
_SERIALS = 20_000, 80_000
"""Excel serial dates of the years 1954 to 2119."""
_SERIAL_ZERO = -25_569 * DAY_US
"""30 December 1899 in microseconds since 1970."""
ORDERS = ("day_first", "month_first")


@dataclass(frozen=True)
class Times:
    """Times of N cells: `micros` (N,) int64 UTC microseconds since 1970, NAT if the cell has none; `spans` (N,) is ""
    for a point in time, else what the cell names (D, W, M or Q for a whole day, week, month, quarter). `local` (N,) are
    the times as written if the clock of another file converted them."""

    micros: np.ndarray
    spans: np.ndarray
    clock: Clock
    local: np.ndarray | None = None


def parse_times(
    cells: pd.Series, column: str, rows: np.ndarray, repairs: Repairs, *, clock: Clock | None = None
) -> Times:
    """Parse times in any common format; cells (N,) of a column at row numbers (N,). `clock` is that of another file,
    for windows of a series.

    Raises:
        DataError: The column holds no times, or times without a date or year.
    """
    texts = _split_ranges(strip_cells(cells), column, repairs)
    where = f"row {rows[0]}, column '{shorten(column)}'" if len(rows) else f"column '{shorten(column)}'"
    if len(texts) and texts.str.fullmatch(_ISO).all():
        stamps = pd.to_datetime(texts, format="ISO8601", errors="coerce")
        if stamps.notna().all() and (texts >= "1000").all():
            local = stamps.to_numpy().astype("datetime64[us]").astype(np.int64)
            spans = np.where(texts.str.len() == 10, "D", "")
            return _apply_zone(Times(local, spans, clock or Clock()), clock, where, repairs)
    numbers = _parse_numeric(texts)
    if numbers is not None:
        micros, unit = numbers
        is_local, is_date = unit in ("serial", "minutes"), unit in ("date", "year")
        if unit not in ("date", "minutes"):
            words = {"serial": "Excel serial dates", "year": "years"}.get(unit, f"{unit} since 1970")
            repairs.note("numeric_times", f"numbers read as {words}", where=where, example=texts.iloc[0])
        spans = np.full(len(texts), "D" if is_date else "")
        if is_local or is_date:
            return _apply_zone(Times(micros, spans, clock or Clock()), clock, where, repairs)
        return Times(micros, spans, Clock(zone="UTC"))
    formats = match_formats(texts)
    _require_dates(formats, texts, column, rows)
    day_first = _choose_order(formats, texts, where, repairs, clock)
    local, spans, zones = np.full(len(texts), NAT), np.full(len(texts), ""), np.full(len(texts), "", dtype=object)
    for fields in formats:
        local[fields.matches] = fields.moments(day_first=bool(day_first))
        spans[fields.matches] = np.where(fields.has_clock(), "", SPANS.get(fields.form, "D"))
        zones[fields.matches] = fields.zones()
    times = Times(local, spans, Clock(day_first, *((clock.zone, clock.changes) if clock else ())))
    return _apply_zone(times, clock, where, repairs, zones)


def describe_bad_cell(cell: str) -> str:
    """Say why a cell is not a time, and how to write it."""
    text = cell.strip()
    if _DURATION.match(text):
        return f"{quote_cell(cell)} is a duration without a date: {EXAMPLE}"
    if CLOCK.fullmatch(text):
        return f"{quote_cell(cell)} is a time without a date: {EXAMPLE}"
    if YEARLESS.fullmatch(text):
        return f"{quote_cell(cell)} is a date without a year: {EXAMPLE}"
    return f"{quote_cell(cell)} is not a time: {EXAMPLE}"


def _split_ranges(texts: pd.Series, column: str, repairs: Repairs) -> pd.Series:
    """Reduce ranges such as `01.03.2021 00:00 - 01.03.2021 01:00` to their start."""
    sample = [text for text in texts.head(50) if text]
    if not sample or not all(_RANGE.fullmatch(text) for text in sample):
        return texts
    repairs.note(
        "time_ranges", f"column '{shorten(column)}' holds time ranges: their starts are used", example=sample[0]
    )
    starts = texts.str.replace(_RANGE, r"\1", regex=True)
    return starts.str.strip()


def _parse_numeric(texts: pd.Series) -> tuple[np.ndarray, str] | None:
    """Parse numbers as dates, years, epochs or Excel serial dates: microseconds (N,) and the unit; None if they are
    something else."""
    texts = replace_comma(texts)
    filled = (texts != "").to_numpy()
    numbers = pd.to_numeric(texts.where(texts != ""), errors="coerce")
    if not filled.any() or numbers[filled].isna().mean() > 0.02:
        return None
    known = numbers.notna().to_numpy()
    values = numbers.to_numpy(np.float64, na_value=np.nan)[known]
    result = np.full(len(texts), NAT)
    formats = match_formats(texts.where(known, ""), limit=1)
    if formats and formats[0].form == "compact" and formats[0].matches[known].all():
        moments = formats[0].moments()
        if (moments != NAT).all():
            result[known] = moments
            return result, "date" if not formats[0].has_clock().any() else "minutes"
    whole = texts[known].str.fullmatch(r"\d+").all()
    if whole and values.min() >= 1e17 and values.max() < 1e19:
        result[known] = texts[known].astype("int64").to_numpy() // 1000
        return result, "nanoseconds"
    for low, high, factor, unit in _EPOCHS:
        if values.min() >= low and values.max() < high:
            exact = texts[known].astype("int64").to_numpy() * factor if whole else np.round(values * factor)
            result[known] = exact.astype(np.int64)
            return result, unit
    if values.min() >= _SERIALS[0] and values.max() < _SERIALS[1]:
        seconds = np.round(values * 86400)
        minutes = np.round(seconds / 60) * 60
        seconds = minutes if np.abs(seconds - minutes).max() <= 5 else seconds
        result[known] = seconds.astype(np.int64) * 1_000_000 + _SERIAL_ZERO
        return result, "serial"
    if whole and texts[known].str.len().eq(4).all() and values.min() >= 1000 and values.max() <= 2200:
        result[known] = (
            (values.astype(np.int64) - 1970).astype("datetime64[Y]").astype("datetime64[us]").astype(np.int64)
        )
        return result, "year"
    return None


def _require_dates(formats: list[Fields], texts: pd.Series, column: str, rows: np.ndarray) -> None:
    filled = (texts != "").to_numpy()
    matched = np.zeros(len(texts), bool)
    for fields in formats:
        matched |= fields.matches
    if filled.any() and matched.sum() >= 0.5 * filled.sum():
        return
    at = int(np.argmax(filled & ~matched)) if len(texts) else 0
    cell = str(texts.iloc[at]) if len(texts) else ""
    row = rows[at] if len(rows) else 2
    raise DataError(f"row {row}, column '{shorten(column)}': {describe_bad_cell(cell)}.")


def _choose_order(
    formats: list[Fields], texts: pd.Series, where: str, repairs: Repairs, clock: Clock | None
) -> bool | None:
    """Whether 01/02/2021 is in February, from all cells: a number above 12, dots, or which order gives even steps.

    Raises:
        DataError: Some cells have the day first, others the month.
    """
    fields = next((fields for fields in formats if fields.form == "numeric"), None)
    if fields is None:
        return clock.day_first if clock else None
    first, second = (pd.to_numeric(fields.table[name]).to_numpy() for name in "ab")
    requested = repairs.choices.get("date_order", "")
    if (first > 12).any() and (second > 12).any():
        at = [int(np.argmax(part > 12)) for part in (first, second)]
        examples = [str(texts[fields.matches].iloc[k]) for k in at]
        raise DataError(
            f"{where}: '{examples[0]}' has the day first and '{examples[1]}' the month: write dates one way."
        )
    if clock is not None and clock.day_first is not None:
        decided: bool | None = clock.day_first
    elif (first > 12).any() or (second > 12).any():
        decided = bool((first > 12).any())
    else:
        decided = True if (fields.table["sep"] == ".").all() else _more_even(fields)
    if decided is None or requested in ORDERS:
        example = str(texts[fields.matches].iloc[0])
        how = repairs.choose(
            "date_order",
            "Every day and month is at most 12: choose which comes first.",
            ORDERS,
            default="" if decided is None else ORDERS[not decided],
            count=int(fields.matches.sum()),
            where=where,
            example=example,
        )
        decided = how == "day_first"
        if ((first > 12).any() and not decided) or ((second > 12).any() and decided):
            raise DataError(f"{where}: '{example}' and others are no dates with date_order={how}: choose the other.")
        repairs.record(f"{where}: '{example}' read with the {'day' if decided else 'month'} first")
    return decided


def _more_even(fields: Fields) -> bool | None:
    """Return the order that gives even steps: True if the day is first, None if both or neither do."""
    breaks = []
    for day_first in (True, False):
        moments = fields.moments(day_first=day_first)
        if (moments == NAT).any() or len(moments) < 3:
            return None
        steps = np.diff(moments)
        steps = steps[steps != 0]
        if len(steps) and np.abs(np.median(steps)) >= 28 * DAY_US:  # months are of unequal length
            steps = np.round(steps / (30.44 * DAY_US))
        breaks.append(int((np.abs(steps - np.median(steps)) > np.abs(np.median(steps)) / 2).sum()) if len(steps) else 0)
    if breaks[0] == breaks[1]:
        return None
    return breaks[0] < breaks[1] if max(breaks) >= 2 * min(breaks) + 1 else None


def _apply_zone(
    times: Times, clock: Clock | None, where: str, repairs: Repairs, zones: np.ndarray | None = None
) -> Times:
    """Convert local times to UTC by the zones of the cells, that of another file, or the chosen one.

    Raises:
        DataError: A zone is unknown, or only some cells have one.
    """
    known = times.micros != NAT
    if zones is not None and (zones[known] != "").any():
        return _read_zones(times, zones, known, where)
    if clock is not None:
        micros = np.where(known, clock.to_utc(np.where(known, times.micros, 0)), NAT)
        return replace(times, micros=micros, local=times.micros)
    candidates = find_zones(times.micros)
    if not candidates and "time_zone" not in repairs.choices:
        return times
    zone = repairs.choose(
        "time_zone",
        f"Hours are skipped or come twice as where clocks change ({', '.join(candidates[:3])}): choose the time zone."
        if candidates
        else "The times have no zone: they are stored as they are, or converted from a time zone.",
        ("as_is", "UTC", *candidates),
        default="as_is",
        where=where,
        free=True,
    )
    if zone == "as_is":
        return times
    if zone == "UTC":
        repairs.record("times read as UTC")
        return replace(times, clock=replace(times.clock, zone="UTC"))
    utc, repeated = localize(times.micros, require_zone(zone))
    missing = np.flatnonzero((utc == NAT) & known)
    if len(missing):
        local = str(np.datetime64(int(times.micros[missing[0]]), "us").astype("datetime64[m]")).replace("T", " ")
        raise DataError(f"{where}: {local} does not exist in {zone}: choose another time_zone, or as_is.")
    repairs.record(f"times read as local times of {zone}: {int(repeated.sum())} in an hour that comes twice")
    return replace(times, micros=utc, clock=replace(times.clock, zone=zone))


def _read_zones(times: Times, zones: np.ndarray, known: np.ndarray, where: str) -> Times:
    names = pd.unique(zones[known])
    if "" in names:
        raise DataError(f"{where}: some times have a zone and others none: write all the same way.")
    regions = {name.split(" ")[-1] for name in names}
    region = next(iter(regions)) if len(regions) == 1 and is_zone(next(iter(regions))) else ""
    offsets = {name: parse_offset(name) for name in names}
    if region and all(offset is None or name == "UTC" for name, offset in offsets.items()):
        utc, _ = localize(times.micros, region)
        return replace(times, micros=utc, clock=replace(times.clock, zone=region))
    unknown = next((name for name, offset in offsets.items() if offset is None), None)
    if unknown is not None:
        raise DataError(f"{where}: '{shorten(unknown)}' is not a time zone that is known: write times in UTC.")
    minutes = np.array([offsets[name] for name in zones[known]], np.int64)
    utc = times.micros.copy()
    utc[known] -= minutes * 60_000_000
    clock = times.clock.with_offsets(utc[known], minutes)
    return replace(times, micros=utc, clock=replace(clock, zone=region) if region else clock)
