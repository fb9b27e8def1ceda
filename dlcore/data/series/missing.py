"""Missing values: codes such as -200 that stand for them, and their repair."""

from collections.abc import Mapping

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.samples import Samples, longest_run, parse_limit
from dlcore.data.tabular.cells import list_names, plural, shorten
from dlcore.data.tabular.read import TableFile

_NINES = (999.0, 999.9, 999.99, 9999.0, 9999.9, 99999.0, 999999.0)
CODES = (-200.0, -99.0, -99.9, -99.99, -32768.0, *(sign * code for sign in (-1, 1) for code in _NINES))
"""Numbers that often stand for a missing value."""


def repair_codes(file: TableFile, values: Mapping[str, np.ndarray], repairs: Repairs) -> dict[str, np.ndarray]:
    """Replace codes of missing values by NaN if that is the choice.

    A code is repeated and lies further outside a column's other values than they are apart; it then counts in all
    columns where it is the lowest or the highest number.
    """
    codes = sorted({code for cells in values.values() for code in CODES if _is_code(cells, code)})
    result = dict(values)
    if not codes:
        return result
    hits = {name: np.isin(cells, codes) & _is_extreme(cells, codes) for name, cells in values.items()}
    names = [name for name, mask in hits.items() if mask.any()]
    count = sum(int(mask.sum()) for mask in hits.values())
    words = " and ".join(f"{code:g}" for code in codes)
    first = min(names, key=lambda name: int(np.argmax(hits[name])))
    how = repairs.choose(
        "missing_code",
        f"{words} lies far outside the other numbers of {plural(len(names), 'column')}: read as a missing value.",
        ("missing", "number"),
        default="missing",
        count=count,
        where=f"row {file.rows[int(np.argmax(hits[first]))]}, column '{shorten(first)}'",
        example=words,
    )
    if how == "missing":
        for name in names:
            result[name] = np.where(hits[name], np.nan, values[name])
        repairs.record(f"{words} read as a missing value in {plural(count, 'cell')} of {list_names(names)}")
    return result


def repair_missing(samples: Samples, names: tuple[str, ...], repairs: Repairs, *, allow_missing: bool) -> Samples:
    """Interpolate, drop or leave missing values; a series (`allow_missing` false) has none afterwards.

    Raises:
        DataError: A column has no values.
    """
    missing = np.isnan(samples.values)
    empty = np.flatnonzero(missing.all(axis=0))
    if len(empty):
        raise DataError(f"column '{shorten(names[empty[0]])}' has no values: choose another column.")
    if not missing.any():
        return samples
    at = int(np.argmax(missing.any(axis=1)))
    longest = max(_longest(missing[:, v]) for v in range(missing.shape[1]))
    how = repairs.choose(
        "missing_values",
        f"{plural(int(missing.sum()), 'value')} {'is' if missing.sum() == 1 else 'are'} missing "
        f"(up to {longest:,} in a row).",
        ("leave_missing", "interpolate", "drop") if allow_missing else ("interpolate", "drop"),
        default="leave_missing" if allow_missing else _default(missing[:, 0], longest),
        count=int(missing.sum()),
        where=f"{samples.where(at)}, column '{shorten(names[int(np.argmax(missing[at]))])}'",
        asks=not allow_missing,
    )
    if how == "leave_missing":
        repairs.record(f"{plural(int(missing.sum()), 'missing value')} left missing, first in {samples.where(at)}")
        return samples
    if how == "drop":
        rows = missing.any(axis=1)
        repairs.record(f"{plural(int(rows.sum()), 'row')} with missing values dropped, first {samples.where(at)}")
        return samples.take(~rows)
    return _interpolate_cells(samples, missing, parse_limit(how), repairs, allow_missing=allow_missing)


def interpolate(times: np.ndarray, values: np.ndarray, *, limit: int | None = None) -> np.ndarray:
    """Fill runs of at most `limit` missing values (T,) linearly over time; not before the first or after the last."""
    missing = np.isnan(values)
    if not missing.any() or missing.all():
        return values
    filled = values.copy()
    edges = np.flatnonzero(np.diff(np.r_[False, missing, False].astype(np.int8)))
    known = ~missing
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if start > 0 and stop < len(values) and (limit is None or stop - start <= limit):
            filled[start:stop] = np.interp(times[start:stop], times[[start - 1, stop]], values[[start - 1, stop]])
    assert (filled[known] == values[known]).all()
    return filled


def trim_to_values(samples: Samples, repairs: Repairs) -> Samples:
    """Cut a series to its longest part without missing values."""
    complete = ~np.isnan(samples.values).any(axis=1)
    if complete.all():
        return samples
    part = longest_run(complete)
    trimmed = samples.take(part)
    cut = len(samples) - len(trimmed)
    if len(trimmed):
        repairs.record(
            f"{plural(cut, 'row')} outside the longest part without missing values cut off: "
            f"{trimmed.where(0)} to {trimmed.where(len(trimmed) - 1)} used"
        )
    return trimmed


def short_limit(rows: int, per_day: int = 0) -> int:
    """Return the longest run of missing rows that is interpolated by default: 1 % of the rows, or up to a day."""
    return max(12, rows // 100, min(per_day, rows // 20))


def _interpolate_cells(
    samples: Samples, missing: np.ndarray, limit: int | None, repairs: Repairs, *, allow_missing: bool
) -> Samples:
    columns = [interpolate(samples.times, samples.values[:, v], limit=limit) for v in range(missing.shape[1])]
    values = np.column_stack(columns)
    filled = samples.with_values(values)
    changed = missing & ~np.isnan(values)
    if changed.any():
        first = filled.where(int(np.argmax(changed.any(axis=1))))
        repairs.record(f"{plural(int(changed.sum()), 'missing value')} interpolated, first in {first}")
    left = int((missing & np.isnan(values)).sum())
    if allow_missing and left:
        repairs.record(f"{plural(left, 'missing value')} at the ends or in longer runs left missing")
    return filled if allow_missing else trim_to_values(filled, repairs)


def _default(missing: np.ndarray, longest: int) -> str:
    limit = short_limit(len(missing))
    if longest <= limit:
        return "interpolate"
    part = longest_run(~missing | (_run_lengths(missing) <= limit))
    return f"interpolate:{limit}" if part.stop - part.start >= max(100, len(missing) // 2) else "interpolate"


def _run_lengths(mask: np.ndarray) -> np.ndarray:
    """The length of the run of true values around each place (T,); 0 where false."""
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    lengths = np.zeros(len(mask), np.int64)
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        lengths[start:stop] = stop - start
    return lengths


def _longest(mask: np.ndarray) -> int:
    run = longest_run(mask)
    return run.stop - run.start


def _is_code(cells: np.ndarray, code: float) -> bool:
    at = cells == code
    remaining = cells[~at & ~np.isnan(cells)]
    if at.sum() < 2 or len(remaining) < 8 or at.sum() > 0.98 * len(cells):
        return False
    gap = remaining.min() - code if code < remaining.min() else code - remaining.max()
    return bool(gap > np.ptp(remaining))


def _is_extreme(cells: np.ndarray, codes: list[float]) -> bool:
    """Whether the codes lie outside the other numbers of a column."""
    remaining = cells[~np.isin(cells, codes) & ~np.isnan(cells)]
    low, high = (remaining.min(), remaining.max()) if len(remaining) else (np.inf, -np.inf)
    return all(code < low or code > high for code in codes if (cells == code).any())
