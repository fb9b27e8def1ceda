"""How good an anomaly score is: thresholds, point-wise metrics and event counts.

Everything here takes one error per point, higher meaning stranger, so it serves any score: an autoencoder's, a
baseline's. A threshold is made from errors of the training or validation split alone; labels never reach it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import curves, uncertainty

Rule = Literal["quantile", "mean_std", "maximum"]
RULES: tuple[Rule, ...] = ("quantile", "mean_std", "maximum")

DAY = 48
WEEK = 7 * DAY
"""Half-hours; a block of a week keeps neighbours together when a series is resampled."""


@dataclass(frozen=True)
class Counts:
    """Points at a threshold: alarms inside and outside labelled windows, points missed and rightly left alone."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def matrix(self) -> np.ndarray:
        """(2, 2): row = truth (normal, anomaly), column = called so."""
        return np.array(
            [[self.true_negatives, self.false_positives], [self.false_negatives, self.true_positives]], dtype=np.int64
        )


@dataclass(frozen=True)
class Events:
    """Windows and alarms as events: `windows` (E, 2) and `false_alarms` (A, 2) are index ranges [start, stop);
    `hit` (E,) tells which windows hold at least one alarm."""

    windows: np.ndarray
    hit: np.ndarray
    false_alarms: np.ndarray


def threshold(
    predictions: Mapping[str, np.ndarray],
    rule: Rule = "quantile",
    *,
    split: str = "validation",
    quantile: float = 0.995,
    k: float = 3.0,
) -> float:
    """A threshold from one split's errors: their quantile, mean + k standard deviations, or maximum.

    Reads `<split>_scores` and nothing else: no target, and nothing of the test split.

    Raises:
        DataError: the split is neither train nor validation, is missing, or the rule is unknown.
    """
    if split not in ("train", "validation"):
        raise DataError(f"a threshold may come from train or validation errors, not from '{split}'.")
    errors = predictions.get(f"{split}_scores", np.empty(0))
    if not len(errors):
        raise DataError(f"this run stored no {split} errors to take a threshold from; train it again.")
    return threshold_of(errors, rule, quantile=quantile, k=k)


def threshold_of(errors: np.ndarray, rule: Rule, *, quantile: float = 0.995, k: float = 3.0) -> float:
    """The threshold that a rule gives for errors (N,) of points held to be normal.

    Raises:
        DataError: the rule is unknown.
    """
    if rule == "quantile":
        return float(np.quantile(errors, quantile))
    if rule == "mean_std":
        return float(errors.mean() + k * errors.std())
    if rule == "maximum":
        return float(errors.max())
    raise DataError(f"unknown rule '{rule}' for a threshold; known are {', '.join(RULES)}.")


def alarms(errors: np.ndarray, threshold: float) -> np.ndarray:
    """Which points (N,) raise an alarm: error above the threshold."""
    return errors > threshold


def counts(errors: np.ndarray, targets: np.ndarray, *, threshold: float) -> Counts:
    """The four counts of points; targets (N,) are 1 inside a labelled window.

    Raises:
        DataError: the two differ in length.
    """
    if errors.shape != targets.shape:
        raise DataError(f"errors and targets differ in shape: {errors.shape} and {targets.shape}.")
    called, true = alarms(errors, threshold), targets.astype(bool)
    return Counts(
        true_positives=int((called & true).sum()),
        false_positives=int((called & ~true).sum()),
        false_negatives=int((~called & true).sum()),
        true_negatives=int((~called & ~true).sum()),
    )


def events(called: np.ndarray, targets: np.ndarray, *, gap: int = DAY) -> Events:
    """Alarms (N,) and labels (N,) as events.

    A labelled window is hit by one alarm inside it. Alarms outside all windows form episodes of consecutive points;
    episodes with fewer than `gap` quiet points between them are one false alarm: a person looks once.
    """
    windows = ranges(targets.astype(bool))
    before = np.r_[0, np.cumsum(called)]
    hit = before[windows[:, 1]] > before[windows[:, 0]]
    return Events(windows, hit, episodes(called & ~targets.astype(bool), gap=gap))


def metrics(
    errors: np.ndarray, targets: np.ndarray, *, threshold: float, gap: int = DAY, draws: int = 0, seed: int = 0
) -> dict[str, float]:
    """Point-wise metrics (0 to 1) and event counts at a threshold, for errors and targets (N,).

    With `draws` > 0 also `<name>_low` / `<name>_high` of the point-wise ones: 95 % block bootstrap, a week a block.
    A metric that is not defined (no labelled point) is left out.
    """
    found = counts(errors, targets, threshold=threshold)  # refuses shapes that do not fit
    n, called, true = len(errors), alarms(errors, threshold), targets.astype(bool)

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        return _pointwise(weights, called, true) | _areas(errors, true, weights)

    values = {name: float(value[0]) for name, value in statistic(np.ones((1, n))).items() if np.isfinite(value[0])}
    seen = events(called, targets, gap=gap)
    values |= {"events_hit": float(seen.hit.sum()), "false_alarms": float(len(seen.false_alarms))}
    if not draws or not found.true_positives + found.false_negatives:
        return values
    spread = uncertainty.bootstrap(statistic, n, draws=draws, block=WEEK, seed=seed)
    return values | uncertainty.named({name: ends for name, ends in spread.items() if name in values})


def episodes(called: np.ndarray, *, gap: int = DAY) -> np.ndarray:
    """Alarms (N,) as index ranges [start, stop), (A, 2), joined where fewer than `gap` quiet points lie between."""
    found = ranges(called)
    if len(found) < 2:
        return found
    apart = found[1:, 0] - found[:-1, 1] >= gap
    return np.stack([found[np.r_[True, apart], 0], found[np.r_[apart, True], 1]], axis=1)


def ranges(mask: np.ndarray) -> np.ndarray:
    """Runs of true in a mask (N,) as index ranges [start, stop), (R, 2)."""
    edges = np.diff(np.r_[0, mask.astype(np.int8), 0])
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def _pointwise(weights: np.ndarray, called: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    hits, calls, positives = (weights @ part.astype(float) for part in (called & true, called, true))  # (B,)
    right = weights @ (called == true).astype(float)
    return {
        "accuracy": right / weights.sum(axis=1),
        "precision": np.divide(hits, calls, out=np.zeros_like(hits), where=calls > 0),
        "recall": np.divide(hits, positives, out=np.full_like(hits, np.nan), where=positives > 0),
        "f1": np.divide(2 * hits, calls + positives, out=np.zeros_like(hits), where=calls + positives > 0),
    }


def _areas(errors: np.ndarray, true: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    if true.all() or not true.any():
        return {}
    return {
        "roc_auc": curves.roc_auc(errors, true, weights=weights),
        "auc_pr": curves.average_precision(errors, true, weights=weights),
    }
