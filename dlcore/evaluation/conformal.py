"""Conformal prediction: intervals from errors, and sets of classes from probabilities, on data outside training."""

from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import uncertainty

CONFIDENCE = 0.95
"""Share of validation samples for which prediction sets reach their coverage."""


def half_widths(errors: np.ndarray, *, level: float = 0.9) -> np.ndarray:
    """Return the half width of each column's interval, from errors (N, ...) with NaN where unknown.

    Split conformal prediction (Vovk et al. 2005; Lei et al. 2018, algorithm 2): the ceil((n + 1) level)-th smallest of
    n absolute errors; covers exchangeable new data with that probability. NaN with fewer than 1 / (1 - level) errors.
    """
    if not 0 < level < 1:
        raise DataError(f"level={level:g} is not a coverage: choose a value between 0 and 1.")
    flat = np.sort(np.abs(errors.reshape(len(errors), -1)), axis=0)  # NaN is sorted to the end
    counts = (~np.isnan(flat)).sum(axis=0)
    ranks = np.ceil((counts + 1) * level).astype(np.int64)
    enough = (ranks <= counts) & (counts > 0)
    rows = np.clip(ranks - 1, 0, max(len(flat) - 1, 0))
    widths = np.where(enough, np.take_along_axis(flat, rows[None], axis=0)[0], np.nan)
    return widths.reshape(errors.shape[1:])


def coverage(errors: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the share of errors (N, ...) within their half widths, by column; NaN where unknown.

    widths: shape of one row, or of the errors if each moment has its own.
    """
    known = ~np.isnan(errors) & ~np.isnan(widths)
    inside = (np.abs(errors) <= widths) & known
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: np.ndarray = inside.sum(axis=0) / known.sum(axis=0)
    return shares


def adaptive_half_widths(
    past: np.ndarray, errors: np.ndarray, *, level: float = 0.9, rate: float = 0.01, delay: int = 1
) -> np.ndarray:
    """Return half widths (N, ...) that adapt to misses: past (M, ...) errors to start from, errors (N, ...) in order of
    time; each moment uses only those at least `delay` moments old.

    Adaptive conformal inference (Gibbs & Candès 2021, eq. 2): after a miss the requested level rises by rate * level,
    after a hit it falls by rate * (1 - level), so that the long-run coverage is the level even under distribution
    shift. The interval is that quantile of the calibration errors.
    """
    shape = errors.shape
    rows, sorted_errors = errors.reshape(len(errors), -1), np.sort(np.abs(past.reshape(len(past), -1)), axis=0)
    counts = (~np.isnan(sorted_errors)).sum(axis=0)
    known = np.flatnonzero(counts * (1 - level) >= 1)
    widths = np.full(rows.shape, np.nan)
    levels = np.full(rows.shape[1], level)
    columns = np.arange(rows.shape[1])[known]
    for row in range(len(rows)):
        if row >= delay:
            old = row - delay
            missed = np.abs(rows[old]) > widths[old]
            step = np.where(missed, rate * level, -rate * (1 - level))
            levels += np.where(np.isnan(rows[old]), 0.0, step)
        ranks = np.clip(np.ceil((counts[columns] + 1) * levels[columns]).astype(np.int64), 1, counts[columns])
        widths[row, columns] = sorted_errors[ranks - 1, columns]
    return widths.reshape(shape)


def fit_set_limit(scores: np.ndarray, targets: np.ndarray, *, level: float = 0.9) -> float:
    """Return the smallest probability of a class in a prediction set, from validation probabilities (N, K).

    Split conformal prediction with the score 1 - probability of the true class (Sadinle et al. 2019). The rank is such
    that sets of exchangeable new data cover the true class with probability `level` or more for 95 % of all validation
    samples (training-conditional coverage: Vovk 2012, proposition 2a). 0 with too few samples: all classes.
    """
    from scipy.stats import binom

    if not 0 < level < 1:
        raise DataError(f"level={level:g} is not a coverage: choose a value between 0 and 1.")
    true = np.sort(scores[np.arange(len(targets)), targets.astype(np.int64)].astype(np.float64))
    rank = int(binom.ppf(CONFIDENCE, len(true), level)) + 1
    return float(true[len(true) - rank]) if rank <= len(true) else 0.0


def prediction_sets(scores: np.ndarray, limit: float) -> np.ndarray:
    """Return which classes (N, K) are in each prediction set; the most probable class always is."""
    inside = scores >= limit
    inside[np.arange(len(scores)), scores.argmax(axis=1)] = True
    return inside


@dataclass(frozen=True)
class SetCoverage:
    """How many of `n` prediction sets contain the true class, with the 95 % interval, and their mean size."""

    level: float
    coverage: float
    low: float
    high: float
    mean_size: float
    n: int


def measure_sets(scores: np.ndarray, targets: np.ndarray, limit: float, *, level: float = 0.9) -> SetCoverage:
    """Return the coverage of the prediction sets of test probabilities (N, K)."""
    inside = prediction_sets(scores, limit)
    covered = inside[np.arange(len(targets)), targets.astype(np.int64)]
    interval = uncertainty.wilson(int(covered.sum()), len(covered))
    return SetCoverage(level, float(covered.mean()), *interval, float(inside.sum(axis=1).mean()), len(covered))
