"""Even spacing: order, repeated times, irregular steps and gaps of samples, repaired by choice."""

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.series.grids import DAY_MS, Grid, find_grid
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.missing import interpolate, short_limit, trim_to_values
from dlcore.data.series.samples import Samples, format_time, longest_run, parse_limit
from dlcore.data.tabular.cells import plural

MAX_INSERTED = 2_000_000


def sort_samples(samples: Samples, repairs: Repairs) -> Samples:
    """Sort samples by time; rows of equal times keep their order, reversed if the newest come first."""
    steps = np.diff(samples.times)
    falls = int((steps < 0).sum())
    if not falls:
        return samples
    newest_first = falls > 0.9 * np.count_nonzero(steps)
    at = int(np.argmax(steps < 0)) + 1
    order = "newest first" if newest_first else f"{plural(falls, 'step')} back"
    repairs.choose(
        "unsorted",
        f"The rows are not in the order of time ({order}).",
        ("sort",),
        default="sort",
        count=falls,
        where=samples.where(at),
        example=format_time(samples.times[at]),
    )
    repairs.record(
        f"rows sorted by time{' (the newest came first)' if newest_first else ''}, {falls:,} steps went back"
    )
    ordered = samples.take(slice(None, None, -1)) if newest_first else samples
    return ordered.take(np.argsort(ordered.times, kind="stable"))


def merge_duplicates(samples: Samples, repairs: Repairs) -> Samples:
    """Merge rows of the same time into one."""
    starts = np.r_[True, np.diff(samples.times) > 0]
    repeated = ~starts
    if not repeated.any():
        return samples
    first = np.flatnonzero(starts)
    group = np.cumsum(starts) - 1
    values = samples.values
    same = ((values == values[first[group]]) | (np.isnan(values) & np.isnan(values[first[group]]))).all()
    at = int(np.argmax(repeated))
    how = repairs.choose(
        "duplicate_times",
        f"{plural(int(repeated.sum()), 'row')} {'repeats' if repeated.sum() == 1 else 'repeat'} a time"
        f"{' with the same values' if same else ''}.",
        ("mean", "first", "last"),
        default="first" if same else "mean",
        count=int(repeated.sum()),
        where=samples.where(at),
        example=format_time(samples.times[at]),
    )
    repairs.record(
        f"{plural(int(repeated.sum()), 'row')} with a repeated time merged ({how}), first "
        f"{format_time(samples.times[at])} in {samples.where(at)}"
    )
    stops = np.r_[first[1:], len(samples)]
    merged = samples.take(first if how != "last" else stops - 1)
    if samples.labels is not None:
        merged = Samples(merged.times, merged.values, np.maximum.reduceat(samples.labels, first), merged.rows)
    if how != "mean":
        return merged
    counts = np.add.reduceat((~np.isnan(values)).astype(np.int64), first, axis=0)
    sums = np.add.reduceat(np.where(np.isnan(values), 0.0, values), first, axis=0)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    alone = (stops - first == 1)[:, None]
    return merged.with_values(np.where(alone, merged.values, means))


def space_evenly(samples: Samples, repairs: Repairs, *, allow_missing: bool) -> Samples:
    """Repair irregular steps and gaps of sorted samples; a series (`allow_missing` false) has no missing value
    afterwards.

    Raises:
        DataError: Filling the gaps would insert too many rows.
    """
    if len(samples) < 3:
        return samples
    grid = _choose_business_days(find_grid(samples.times), samples, repairs)
    even = _repair_irregular(samples, grid, repairs)
    return _repair_gaps(even, grid, repairs, allow_missing=allow_missing, is_resampled=even is not samples)


def _choose_business_days(grid: Grid, samples: Samples, repairs: Repairs) -> Grid:
    if grid.kind != "business":
        return grid
    at = int(np.argmax(np.diff(samples.times) > DAY_MS)) + 1
    how = repairs.choose(
        "business_days",
        "The rows are Mondays to Fridays: weekends are no gaps, or are filled like other gaps (calendar_days).",
        ("as_is", "calendar_days"),
        default="as_is",
        count=int((np.diff(samples.times) > DAY_MS).sum()),
        where=samples.where(at),
        example=format_time(samples.times[at]),
    )
    if how == "as_is":
        repairs.record("rows are business days: the step is one business day, weekends are no gaps")
        return grid
    return Grid("even", DAY_MS)


def _repair_irregular(samples: Samples, grid: Grid, repairs: Repairs) -> Samples:
    count, at = grid.count_uneven(samples.times)
    if not count:
        return samples
    how = repairs.choose(
        "irregular",
        f"{plural(count, 'step')} {'is' if count == 1 else 'are'} no multiple of the usual "
        f"{format_duration(grid.step)}: resampled to it by the mean or by interpolation, or treated as even.",
        ("mean", "interpolate", "treat_as_even"),
        default="mean" if count > len(samples) / 10 else "treat_as_even",
        count=count,
        where=samples.where(at),
        example=format_time(samples.times[at]),
    )
    if how == "treat_as_even":
        repairs.record(f"{plural(count, 'uneven step')} treated as even, first in {samples.where(at)}")
        return samples
    resampled = _resample(samples, grid, by_mean=how == "mean")
    word = "the mean" if how == "mean" else "interpolation"
    repairs.record(
        f"{plural(len(samples), 'row')} resampled by {word} to {plural(len(resampled), 'row')}, "
        f"one every {format_duration(grid.step)}"
    )
    return resampled


def _resample(samples: Samples, grid: Grid, *, by_mean: bool) -> Samples:
    """Samples on an even grid; steps without a row nearby are left out, as gaps."""
    start = samples.times[0]
    place = np.floor((samples.times - start) / grid.step + 0.5).astype(np.int64)
    first = np.flatnonzero(np.r_[True, np.diff(place) > 0])
    labels = None if samples.labels is None else np.maximum.reduceat(samples.labels, first)
    values = samples.values
    if by_mean:
        counts = np.add.reduceat((~np.isnan(values)).astype(np.int64), first, axis=0)
        sums = np.add.reduceat(np.where(np.isnan(values), 0.0, values), first, axis=0)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        return Samples(start + place[first] * grid.step, means, labels, samples.rows[first])
    times = start + place[first] * grid.step
    columns = []
    for column in values.T:
        known = ~np.isnan(column)
        columns.append(np.interp(times, samples.times[known], column[known]) if known.any() else column[first])
    return Samples(times, np.column_stack(columns), labels, samples.rows[first])


def _repair_gaps(samples: Samples, grid: Grid, repairs: Repairs, *, allow_missing: bool, is_resampled: bool) -> Samples:
    positions = grid.positions(samples.times)
    jumps = np.diff(positions) - 1  # rows missing before each row but the first
    gaps = np.flatnonzero(jumps > 0)
    if not len(gaps):
        return samples
    at = int(gaps[0]) + 1
    how = repairs.choose(
        "gaps",
        f"{plural(len(gaps), 'gap')}: {plural(int(jumps.sum()), 'row')} missing, up to {int(jumps.max()):,} in a row.",
        ("leave_missing",) * allow_missing + ("interpolate", "cut", "treat_as_even"),
        default=_default_gaps(jumps, grid, allow_missing=allow_missing, is_resampled=is_resampled),
        count=len(gaps),
        where=samples.where(at),
        example=f"{jumps[gaps[0]]:,} missing before {format_time(samples.times[at])}",
    )
    first = f"first before {format_time(samples.times[at])} in {samples.where(at)}"
    if how == "treat_as_even":
        repairs.record(f"{plural(len(gaps), 'gap')} treated as even steps: the rows follow each other, {first}")
        return samples
    limit = parse_limit(how)
    if how == "cut":
        return _cut(samples, jumps > 0, repairs)
    if not allow_missing and limit is not None and (jumps > limit).any():
        samples = _cut(samples, jumps > limit, repairs)
        positions = grid.positions(samples.times)
        if not (np.diff(positions) > 1).any():
            return samples
    return _insert(
        samples, grid, positions, repairs, how=how.partition(":")[0], limit=limit, allow_missing=allow_missing
    )


def _default_gaps(jumps: np.ndarray, grid: Grid, *, allow_missing: bool, is_resampled: bool) -> str:
    rows, total = len(jumps) + 1, int(jumps.sum())
    if allow_missing:
        return "leave_missing" if total <= rows else "treat_as_even"
    limit = short_limit(rows, DAY_MS // grid.step if grid.kind == "even" else 0)
    if total <= (rows if is_resampled else rows / 10) and int(jumps.max()) <= limit:
        return "interpolate"
    part = longest_run(jumps <= limit)
    inside = int(jumps[part].sum())
    if part.stop - part.start >= max(100, rows // 2) and inside <= rows / 10:
        return f"interpolate:{limit}"
    return "treat_as_even"


def _cut(samples: Samples, breaks: np.ndarray, repairs: Repairs) -> Samples:
    """Select the longest part between breaks (T - 1,)."""
    edges = np.r_[0, np.flatnonzero(breaks) + 1, len(samples)]
    longest = int(np.argmax(np.diff(edges)))
    part = samples.take(slice(int(edges[longest]), int(edges[longest + 1])))
    repairs.record(
        f"cut at {plural(int(breaks.sum()), 'gap')}: the longest part is used, {part.where(0)} to "
        f"{part.where(len(part) - 1)}; {plural(len(samples) - len(part), 'row')} left out"
    )
    return part


def _insert(
    samples: Samples,
    grid: Grid,
    positions: np.ndarray,
    repairs: Repairs,
    *,
    how: str,
    limit: int | None,
    allow_missing: bool,
) -> Samples:
    total = int(positions[-1]) + 1
    inserted = total - len(samples)
    if inserted > MAX_INSERTED:
        raise DataError(f"filling the gaps would insert {inserted:,} rows: choose gaps=cut or gaps=treat_as_even.")
    new = np.setdiff1d(np.arange(total), positions, assume_unique=True)
    times, rows = np.zeros(total, np.int64), np.zeros(total, np.int64)
    values = np.full((total, samples.values.shape[1]), np.nan)
    times[positions], rows[positions], values[positions] = samples.times, samples.rows, samples.values
    times[new] = grid.times_at(samples.times, positions, new)
    labels = None
    if samples.labels is not None:
        near = np.searchsorted(positions, np.arange(total), side="right") - 1
        after = np.minimum(np.searchsorted(positions, np.arange(total)), len(samples) - 1)
        labels = samples.labels[near] & samples.labels[after]
    filled = Samples(times, values, labels, rows)
    if how == "leave_missing":
        repairs.record(
            f"{plural(inserted, 'missing row')} inserted with missing values, first {filled.where(int(new[0]))}"
        )
        return filled
    is_new = np.ones(total, bool)
    is_new[positions] = False
    columns = [interpolate(times, column, limit=limit) for column in values.T]
    interpolated = np.where(is_new[:, None], np.column_stack(columns), values)
    repairs.record(f"{plural(inserted, 'missing row')} inserted and interpolated, first {filled.where(int(new[0]))}")
    filled = filled.with_values(interpolated)
    return filled if allow_missing else trim_to_values(filled, repairs)
