"""Compare models trained with several seeds: variance over samples and over seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import uncertainty
from dlcore.evaluation.uncertainty import Verdict


@dataclass(frozen=True)
class SeedDifference:
    """Difference of two means with its 95 % interval and verdict; `p_value` as tested, for one pair or corrected for
    several; `seeds` of the first and of the second.
    """

    value: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    seeds: tuple[int, int]


def compare_on_same_samples(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], *, level: float = 0.95
) -> SeedDifference:
    """Compare two groups of runs, correct (true) or not on the same samples (N,), one array per seed.

    One seed each: McNemar's exact test. More: variance of the mean difference = variance over samples / N + variance
    over seeds of each group's accuracy / its seeds, tested by Student's t with Welch and Satterthwaite's degrees of
    freedom (Welch 1947), the samples' part counted as known. A group with one seed takes the other group's spread over
    seeds.

    Raises:
        DataError: a group is empty, or the samples differ.
    """
    lengths = {len(run) for run in (*first, *second)}
    if not first or not second or len(lengths) != 1 or 0 in lengths:
        raise DataError("groups of runs are compared on the same samples, with at least one run each.")
    groups = [np.stack([np.asarray(run, dtype=np.float64) for run in group]) for group in (first, second)]
    difference = groups[0].mean(axis=0) - groups[1].mean(axis=0)  # (N,)
    if len(first) == len(second) == 1:
        first_correct, second_correct = (group[0].astype(bool) for group in groups)
        p_value = uncertainty.mcnemar(first_correct, second_correct)
        gap = _gap(float(difference.mean()), float(difference.var()) / len(difference), [], level=level, seeds=(1, 1))
        return replace(gap, p_value=p_value, verdict=_verdict(gap.value, p_value, level))
    spreads = _spreads([group.mean(axis=1) for group in groups])
    return _gap(
        float(difference.mean()),
        float(difference.var()) / len(difference),
        spreads,
        level=level,
        seeds=(len(first), len(second)),
    )


def interval(runs: Sequence[np.ndarray], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean accuracy of a group of runs on the same samples and its interval.

    Wilson's for one run, else Student's t over seeds with the samples' variance added, as in `compare_on_same_samples`.

    Raises:
        DataError: `runs` is empty.
    """
    if not runs:
        raise DataError("an interval needs at least one run.")
    correct = np.stack([np.asarray(run, dtype=np.float64) for run in runs])
    if len(runs) == 1:
        return float(correct.mean()), *uncertainty.wilson(round(correct.sum()), correct.shape[1], level=level)
    spreads = [(float(correct.mean(axis=1).var(ddof=1)) / len(runs), len(runs) - 1)]
    known = float(correct.mean(axis=0).var()) / correct.shape[1]
    gap = _gap(float(correct.mean()), known, spreads, level=level, seeds=(len(runs), 0))
    return gap.value, max(0.0, gap.low), min(1.0, gap.high)


def compare_shares(first: Sequence[float], second: Sequence[float], *, n: int, level: float = 0.95) -> SeedDifference:
    """Compare accuracies of two groups of runs, each measured on a separate set of n samples (validation splits).

    Variance: binomial for the samples, and over seeds, as in `compare_on_same_samples`.

    Raises:
        DataError: a group is empty, or n is 0.
    """
    if not len(first) or not len(second) or n < 1:
        raise DataError(
            "two groups of accuracies are compared, at least one value each, measured on at least one sample."
        )
    groups = [np.asarray(group, dtype=np.float64) for group in (first, second)]
    known = sum(float((group * (1 - group)).mean()) / (n * len(group)) for group in groups)
    spreads = _spreads(groups) if len(first) + len(second) > 2 else []
    value = float(groups[0].mean() - groups[1].mean())
    return _gap(value, known, spreads, level=level, seeds=(len(first), len(second)))


def mean_interval(values: Sequence[float], *, level: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of one value per seed and its interval by Student's t; the range is a point for one seed.

    Raises:
        DataError: `values` is empty.
    """
    if not len(values):
        raise DataError("an interval needs at least one value.")
    group = np.asarray(values, dtype=np.float64)
    spreads = [(float(group.var(ddof=1)) / len(group), len(group) - 1)] if len(group) > 1 else []
    gap = _gap(float(group.mean()), 0.0, spreads, level=level, seeds=(len(group), 0))
    return gap.value, gap.low, gap.high


def compare_means(first: Sequence[float], second: Sequence[float], *, level: float = 0.95) -> SeedDifference:
    """Compare the means of one value per seed by Welch's t test; each group needs two seeds.

    Raises:
        DataError: a group has fewer than two values.
    """
    if min(len(first), len(second)) < 2:
        raise DataError("two groups of seeds are compared, at least two runs each.")
    groups = [np.asarray(group, dtype=np.float64) for group in (first, second)]
    value = float(groups[0].mean() - groups[1].mean())
    return _gap(value, 0.0, _spreads(groups), level=level, seeds=(len(first), len(second)))


def compare_all_pairs(
    runs: Mapping[str, Sequence[np.ndarray]], *, level: float = 0.95
) -> dict[tuple[str, str], SeedDifference]:
    """Compare all pairs of groups on the same samples, with p-values corrected by Holm's method (Holm 1979)."""
    return holm_correction(
        {(a, b): compare_on_same_samples(runs[a], runs[b], level=level) for a, b in combinations(runs, 2)}, level=level
    )


def compare_resampled(
    values: Mapping[str, float], draws: Mapping[str, np.ndarray], *, level: float = 0.95
) -> dict[tuple[str, str], SeedDifference]:
    """Compare all pairs of models by the paired bootstrap, with p-values corrected by Holm's method.

    values: a metric, higher is better, on the same samples; draws (B,): the metric on the same B resamples of them.
    Undefined draws are left out. The variance over seeds is not part of it.
    """
    gaps = {}
    for a, b in combinations(values, 2):
        gap = draws[a] - draws[b]
        gap = gap[np.isfinite(gap)]
        value = values[a] - values[b]
        if not len(gap) or not gap.any():
            gaps[a, b] = SeedDifference(value, value, value, 1.0, "no difference", (1, 1))
            continue
        low, high = np.quantile(gap, [(1 - level) / 2, (1 + level) / 2])
        p_value = min(1.0, 2 * (1 + min(int((gap <= 0).sum()), int((gap >= 0).sum()))) / (1 + len(gap)))
        gaps[a, b] = SeedDifference(value, float(low), float(high), p_value, "no difference", (1, 1))
    return holm_correction(gaps, level=level)


def holm_correction(
    gaps: Mapping[tuple[str, str], SeedDifference], *, level: float = 0.95
) -> dict[tuple[str, str], SeedDifference]:
    """Return the differences with p-values corrected by Holm's method, and verdicts based on these."""
    order = sorted(gaps, key=lambda pair: gaps[pair].p_value)
    corrected, worst = {}, 0.0
    for rank, pair in enumerate(order):
        worst = max(worst, min(1.0, gaps[pair].p_value * (len(order) - rank)))
        corrected[pair] = replace(gaps[pair], p_value=worst, verdict=_verdict(gaps[pair].value, worst, level))
    return {pair: corrected[pair] for pair in gaps}


def _spreads(accuracies: Sequence[np.ndarray]) -> list[tuple[float, int]]:
    """Return (variance of the group's mean over seeds, degrees of freedom); a single seed takes the other group's."""
    variances = [(float(group.var(ddof=1)), len(group) - 1) if len(group) > 1 else None for group in accuracies]
    shared = next(variance for variance in variances if variance is not None)
    known = [variance or shared for variance in variances]
    return [(spread / len(group), freedom) for (spread, freedom), group in zip(known, accuracies, strict=True)]


def _gap(
    value: float, known: float, spreads: Sequence[tuple[float, int]], *, level: float, seeds: tuple[int, int]
) -> SeedDifference:
    from scipy.special import stdtr, stdtrit

    variance = known + sum(spread for spread, _ in spreads)
    below = sum(spread**2 / freedom for spread, freedom in spreads)
    freedom = variance**2 / below if below > 0 else 1e9
    if variance <= 0:
        return SeedDifference(
            value, value, value, 1.0 if value == 0 else 0.0, _verdict(value, float(value == 0), level), seeds
        )
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(variance)
    p_value = 2 * float(stdtr(freedom, -abs(value) / math.sqrt(variance)))
    return SeedDifference(value, value - half, value + half, p_value, _verdict(value, p_value, level), seeds)


def _verdict(value: float, p_value: float, level: float) -> Verdict:
    if p_value >= 1 - level or value == 0:
        return "no difference"
    return "first" if value > 0 else "second"
