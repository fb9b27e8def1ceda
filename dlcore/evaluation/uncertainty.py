"""Uncertainty of metrics: bootstrap and Wilson intervals, and paired comparisons of two runs."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from dlcore.core.errors import DataError

Statistic = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""From weights (B, N), how often each sample was drawn, to named values (B,)."""

Verdict = Literal["first", "second", "no difference"]


@dataclass(frozen=True)
class PairedDifference:
    """Difference of two means over the same samples, its interval, and the verdict.

    `p_value` is McNemar's for correct-or-not values, else None.
    """

    value: float
    low: float
    high: float
    verdict: Verdict
    p_value: float | None = None


def resamples(n: int, *, draws: int, block: int = 1, seed: int = 0, chunk: int = 2**21) -> Iterator[np.ndarray]:
    """Yield bootstrap resamples as weights (B, n), each row summing to n, `draws` rows in all, in chunks of bounded
    memory.

    `block` > 1 draws runs of neighbors (circular block bootstrap, Politis & Romano 1992), for correlated values of a
    series; independent draws would give intervals that are far too narrow.
    """
    rng = np.random.default_rng(seed)
    rows = max(1, chunk // max(n, 1))
    for start in range(0, draws, rows):
        yield _weights(rng, n=n, rows=min(rows, draws - start), block=min(block, n))


def bootstrap(
    statistic: Statistic, n: int, *, draws: int = 500, block: int = 1, level: float = 0.95, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of every value that `statistic` names; undefined ones are omitted."""
    parts: dict[str, list[np.ndarray]] = {}
    for weights in resamples(n, draws=draws, block=block, seed=seed):
        for name, values in statistic(weights).items():
            parts.setdefault(name, []).append(values)
    draws_by_name = {name: np.concatenate(values) for name, values in parts.items()}
    return {name: _percentiles(values, level) for name, values in draws_by_name.items() if np.isfinite(values).any()}


def as_low_high(intervals: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return `{"f1": (a, b)}` as `{"f1_low": a, "f1_high": b}`."""
    ends = {f"{name}_low": low for name, (low, _) in intervals.items()}
    return ends | {f"{name}_high": high for name, (_, high) in intervals.items()}


def wilson(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval for a proportion (Wilson 1927), valid for small n and near 0 and 1.

    Raises:
        DataError: n is 0, or successes are not between 0 and n.
    """
    if n < 1 or not 0 <= successes <= n:
        raise DataError(f"{successes} of {n} is not a proportion: at least one sample is needed.")
    z, share = NormalDist().inv_cdf((1 + level) / 2), successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_difference(
    first: np.ndarray, second: np.ndarray, *, block: int = 1, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> PairedDifference:
    """Compare two runs on the same samples, (N,) values each, higher is better (correct or not, minus loss, ...).

    Correct-or-not values of independent samples are tested by McNemar's exact test, others by the paired bootstrap's
    interval; a difference within the noise gives "no difference".

    Raises:
        DataError: the arrays differ in shape or are empty.
    """
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise DataError(f"both runs need one value per sample, but have shapes {first.shape} and {second.shape}.")
    gap = first.astype(float) - second.astype(float)
    spread = bootstrap(
        lambda w: {"gap": w @ gap / len(gap)}, len(gap), draws=draws, block=block, level=level, seed=seed
    )
    low, high = spread["gap"]
    binary = block == 1 and set(np.unique(first)) | set(np.unique(second)) <= {0, 1}
    p_value = mcnemar(first.astype(bool), second.astype(bool)) if binary else None
    outside = p_value < 1 - level if p_value is not None else low > 0 or high < 0
    better: Verdict = "first" if gap.mean() > 0 else "second"
    return PairedDifference(float(gap.mean()), low, high, better if outside else "no difference", p_value)


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947) for correct (true) on the same samples (N,)."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    n, few = only_first + only_second, min(only_first, only_second)
    tail = [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) - n * math.log(2) for i in range(few + 1)]
    return min(1.0, 2 * float(np.exp(tail).sum()))


def _weights(rng: np.random.Generator, *, n: int, rows: int, block: int) -> np.ndarray:
    if block <= 1:
        picks = rng.integers(n, size=(rows, n)) + np.arange(rows)[:, None] * n
        return np.bincount(picks.ravel(), minlength=rows * n).reshape(rows, n).astype(float)
    blocks = -(-n // block)
    starts = rng.integers(n, size=(rows, blocks))
    lengths = np.full(blocks, block)
    lengths[-1] = n - block * (blocks - 1)
    # A block adds 1 from its start to its end: mark both on a line twice as long, cumulate, fold the second half back.
    marks = np.zeros((rows, 2 * n + 1))
    index = np.arange(rows)[:, None]
    np.add.at(marks, (index, starts), 1.0)
    np.add.at(marks, (index, starts + lengths), -1.0)
    line = np.cumsum(marks, axis=1)
    return line[:, :n] + line[:, n : 2 * n]


def _percentiles(values: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
