"""Evaluate anomaly scores: thresholds, point-wise metrics and event counts.

Takes one score per point, higher meaning more anomalous, from any detector. Thresholds come from scores of the training
or validation split; labels are never used for them.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import curves, nab, uncertainty, volume
from dlcore.evaluation.volume import true_ranges

Rule = Literal["quantile", "mean_std", "maximum"]
RULES: tuple[Rule, ...] = ("quantile", "mean_std", "maximum")

DAY = 48
WEEK = 7 * DAY
"""In half-hours; resampling blocks of a week keeps neighbors together."""
MANY_ALARMS, MOST_ALARMS = 0.1, 0.5
"""Share of unlabeled points that are alarms: above the first it is reported, above the second no event is detected."""


MOST_RESAMPLED = 50_000
"""Points of a bootstrap; of more, evenly spaced ones, since neighbors are alike and blocks are drawn as a whole."""


@dataclass(frozen=True)
class Counts:
    """Confusion counts of points at a threshold."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def matrix(self) -> np.ndarray:
        """Return the confusion matrix (2, 2): row = actual (normal, anomaly), column = predicted."""
        return np.array(
            [[self.true_negatives, self.false_positives], [self.false_negatives, self.true_positives]], dtype=np.int64
        )


@dataclass(frozen=True)
class EventCounts:
    """Windows and alarms as events: `windows` (E, 2) and `false_alarms` (A, 2) are index ranges [start, stop); `hit`
    (E,) marks detected windows, `delay` (E,) is the number of points to the first alarm (-1: missed).
    """

    windows: np.ndarray
    hit: np.ndarray
    false_alarms: np.ndarray
    delay: np.ndarray


def threshold(
    predictions: Mapping[str, np.ndarray],
    rule: Rule = "quantile",
    *,
    split: str = "validation",
    quantile: float = 0.995,
    k: float = 3.0,
) -> float:
    """Return a threshold from one split's errors: quantile, mean + k standard deviations, or maximum.

    Reads `<split>_scores` only: no targets, and nothing of the test split.

    Raises:
        DataError: the split is neither train nor validation, is missing, or the rule is unknown.
    """
    if split not in ("train", "validation"):
        raise DataError(f"a threshold can come from train or validation errors, not from '{split}'.")
    errors = predictions.get(f"{split}_scores", np.empty(0))
    if not len(errors):
        raise DataError(f"this run stored no {split} errors, so no threshold can be computed; train it again.")
    return threshold_of(errors, rule, quantile=quantile, k=k)


def threshold_of(errors: np.ndarray, rule: Rule, *, quantile: float = 0.995, k: float = 3.0) -> float:
    """Return the threshold of a rule for errors (N,) of points assumed normal.

    Raises:
        DataError: the rule is unknown.
    """
    if rule == "quantile":
        return float(np.quantile(errors, quantile))
    if rule == "mean_std":
        return float(errors.mean() + k * errors.std())
    if rule == "maximum":
        return float(errors.max())
    raise DataError(f"unknown threshold rule '{rule}'; known are {', '.join(RULES)}.")


def alarms(errors: np.ndarray, threshold: float) -> np.ndarray:
    """Return which points (N,) raise an alarm: error above the threshold, compared as 64-bit floats.

    A Python float would be rounded to the errors' float32 before the comparison, while the page compares in 64 bits.
    """
    return errors > np.float64(threshold)


def counts(errors: np.ndarray, targets: np.ndarray, *, threshold: float) -> Counts:
    """Return the confusion counts of points; targets (N,) are 1 inside a labeled window.

    Raises:
        DataError: the two differ in length.
    """
    if errors.shape != targets.shape:
        raise DataError(f"errors and targets differ in shape: {errors.shape} and {targets.shape}.")
    is_alarm, true = alarms(errors, threshold), targets.astype(bool)
    return Counts(
        true_positives=int((is_alarm & true).sum()),
        false_positives=int((is_alarm & ~true).sum()),
        false_negatives=int((~is_alarm & true).sum()),
        true_negatives=int((~is_alarm & ~true).sum()),
    )


def events(is_alarm: np.ndarray, targets: np.ndarray, *, gap: int = DAY) -> EventCounts:
    """Convert alarms (N,) and labels (N,) to events.

    A labeled window is hit by one alarm inside it, unless most unlabeled points are alarms too: an alarm that is almost
    always on detects nothing. An alarm that starts in a window and continues without pause after its end belongs to
    that event for up to `gap` points. All other alarms outside windows form ranges of consecutive points; ranges
    separated by fewer than `gap` points count as one false alarm.
    """
    true = targets.astype(bool)
    windows = true_ranges(true)
    before = np.r_[0, np.cumsum(is_alarm)]
    hit = (before[windows[:, 1]] > before[windows[:, 0]]) & (alarm_share(is_alarm, targets) <= MOST_ALARMS)
    first = np.array([int(np.argmax(is_alarm[start:stop])) for start, stop in windows], dtype=np.int64)
    lingering = _lingering(is_alarm, windows, gap=gap)
    return EventCounts(windows, hit, alarm_ranges(is_alarm & ~true & ~lingering, gap=gap), np.where(hit, first, -1))


def event_gap(step_hours: float, points: int) -> int:
    """Return the pause in points that separates two alarms: a day, at most a tenth of the `points` counted."""
    return max(1, min(round(24 / step_hours), points // 10))


def alarm_share(is_alarm: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of unlabeled points (N,) that are alarms; 0 if every point is labeled."""
    normal = ~targets.astype(bool)
    return float(is_alarm[normal].mean()) if normal.any() else 0.0


def scorecard(
    scores: np.ndarray,
    targets: np.ndarray,
    *,
    threshold: float,
    counted_from: int,
    test_from: int,
    step_hours: float,
    plausible: np.ndarray | None = None,
    draws: int = 0,
    seed: int = 0,
) -> dict[str, float]:
    """Return every metric of one score over a whole series, by name.

    scores, targets (N,): all points in order. Events, alarms, NAB and range-based metrics count from index
    `counted_from` (the end of the training part), point-wise metrics from `test_from`; VUS-PR uses the whole series.
    `false_alarms` is the official count; `false_alarms_plausible` counts those that overlap `plausible` (P, 2), index
    ranges of known unusual but unlabeled days. `delay_h` is the mean time in hours from the start of a detected window
    to its first alarm. With `draws` > 0 the point-wise metrics have `<name>_low` and `<name>_high`: 95 % bootstrap
    intervals over blocks of a week. NAB is 0 to 100, areas and shares are 0 to 1; `threshold` is the one used;
    `alarm_share` is the share of unlabeled points that are alarms, if it is above a tenth: few false alarms may last
    long. Undefined metrics (nothing detected) are omitted; a series without a label has `alarms` instead of events.

    Raises:
        DataError: scores and targets differ in shape, or a part to count in is empty.
    """
    if scores.shape != targets.shape or not 0 <= max(counted_from, test_from) < len(scores):
        raise DataError(
            f"a scorecard needs one score per point and points to count: {scores.shape} scores, {targets.shape} "
            f"targets, counted from {counted_from}, tested from {test_from}."
        )
    gap = event_gap(step_hours, len(scores) - counted_from)
    is_alarm, true = alarms(scores, threshold), targets.astype(bool)
    detected = events(is_alarm[counted_from:], true[counted_from:], gap=gap)
    share = alarm_share(is_alarm[counted_from:], true[counted_from:])
    shared = {"threshold": float(threshold)} | ({"alarm_share": share} if share > MANY_ALARMS else {})
    if not true.any():
        return {"alarms": float(len(detected.false_alarms)), **shared}
    values = metrics(
        scores[test_from:], targets[test_from:], threshold=threshold, gap=gap, block=7 * gap, draws=draws, seed=seed
    )
    values |= shared | {
        "events_hit": float(detected.hit.sum()),
        "false_alarms": float(len(detected.false_alarms)),
        "false_alarms_plausible": float(overlapping(detected.false_alarms + counted_from, plausible).sum()),
    }
    values |= volume.range_metrics(is_alarm[counted_from:], true[counted_from:])
    if detected.hit.any():
        values["delay_h"] = float(detected.delay[detected.hit].mean() * step_hours)
    if len(detected.windows):
        values |= nab.profile_scores(is_alarm, true_ranges(true), start=counted_from)
    if not true.all():
        values["vus_pr"] = volume.vus_pr(scores, targets)
    return values


def point_adjusted_f1(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the best point-adjusted F1 over all thresholds. For demonstration only, not a valid metric.

    Point adjustment counts a whole window as detected after one alarm in it, and the threshold is chosen with the
    labels: a random score gets above 0.9 on series with few long windows (Kim et al., "Towards a rigorous evaluation of
    time-series anomaly detection", AAAI 2022). NaN without a labeled point.
    """
    true = targets.astype(bool)
    windows = true_ranges(true)
    if not len(windows):
        return float("nan")
    maxima = np.array(
        [scores[start:stop].max() for start, stop in windows]
    )  # a window counts as detected up to its maximum
    lengths = windows[:, 1] - windows[:, 0]
    thresholds = np.unique(np.r_[maxima, scores[~true]])
    order = np.argsort(maxima)
    detected = np.r_[np.cumsum(lengths[order][::-1])[::-1], 0][np.searchsorted(maxima[order], thresholds)]
    false = (~true).sum() - np.searchsorted(np.sort(scores[~true]), thresholds)
    return float((2 * detected / (detected + false + lengths.sum())).max())


def metrics(
    errors: np.ndarray,
    targets: np.ndarray,
    *,
    threshold: float,
    gap: int = DAY,
    block: int = WEEK,
    draws: int = 0,
    seed: int = 0,
) -> dict[str, float]:
    """Return point-wise metrics (0 to 1) and event counts at a threshold, for errors and targets (N,).

    With `draws` > 0 also `<name>_low` / `<name>_high` of the point-wise ones: 95 % block bootstrap, `block` points (a
    week) per block. Without labeled points, point-wise metrics and `events_hit` are omitted and every alarm counts as
    false.
    """
    confusion = counts(errors, targets, threshold=threshold)  # rejects mismatching shapes
    n, is_alarm, true = len(errors), alarms(errors, threshold), targets.astype(bool)

    def statistic(weights: np.ndarray, step: int = 1) -> dict[str, np.ndarray]:
        return _pointwise(weights, is_alarm[::step], true[::step]) | _areas(errors[::step], true[::step], weights)

    values = {name: float(value[0]) for name, value in statistic(np.ones((1, n))).items() if np.isfinite(value[0])}
    detected = events(is_alarm, targets, gap=gap)
    false = {"false_alarms": float(len(detected.false_alarms))}
    if not true.any():
        return false
    values |= {"events_hit": float(detected.hit.sum()), **false}
    if not draws or not confusion.true_positives + confusion.false_negatives:
        return values
    step = -(-n // MOST_RESAMPLED)
    spread = uncertainty.bootstrap(
        functools.partial(statistic, step=step), -(-n // step), draws=draws, block=max(1, block // step), seed=seed
    )
    return values | uncertainty.as_low_high({name: ends for name, ends in spread.items() if name in values})


def resampled_average_precision(
    errors: np.ndarray, targets: np.ndarray, *, block: int, draws: int, seed: int = 0
) -> tuple[float, np.ndarray]:
    """Return the area under the precision-recall curve of errors (N,), and that of each block resample (draws,).

    Two detectors on the same points get the same resamples, so their difference is paired.
    """
    true = targets.astype(bool)
    parts = [
        curves.average_precision(errors, true, weights=weights)
        for weights in uncertainty.resamples(len(errors), draws=draws, block=block, seed=seed)
    ]
    return float(curves.average_precision(errors, true, weights=np.ones((1, len(errors))))[0]), np.concatenate(parts)


def alarm_ranges(is_alarm: np.ndarray, *, gap: int = DAY) -> np.ndarray:
    """Return alarms (N,) as index ranges [start, stop), (A, 2), merged if separated by fewer than `gap` points."""
    ranges = true_ranges(is_alarm)
    if len(ranges) < 2:
        return ranges
    is_separate = ranges[1:, 0] - ranges[:-1, 1] >= gap
    return np.stack([ranges[np.r_[True, is_separate], 0], ranges[np.r_[is_separate, True], 1]], axis=1)


def overlapping(spans: np.ndarray, references: np.ndarray | None) -> np.ndarray:
    """Return which (A,) of the index ranges (A, 2) overlap any of the references (P, 2)."""
    if references is None or not len(references) or not len(spans):
        return np.zeros(len(spans), bool)
    shared: np.ndarray = (spans[:, :1] < references[:, 1]) & (spans[:, 1:] > references[:, 0])  # (A, P)
    return np.asarray(shared.any(axis=1))


def _lingering(is_alarm: np.ndarray, windows: np.ndarray, *, gap: int) -> np.ndarray:
    """Return (N,) alarms that started in a window and have not paused since its end, for at most `gap` points."""
    is_lingering = np.zeros(len(is_alarm), bool)
    for _, stop in windows:
        if is_alarm[stop - 1]:
            after = is_alarm[stop : stop + gap]
            is_lingering[stop : stop + (len(after) if after.all() else int(np.argmin(after)))] = True
    return is_lingering


def _pointwise(weights: np.ndarray, is_alarm: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    hits, calls, positives = (weights @ part.astype(float) for part in (is_alarm & true, is_alarm, true))  # (B,)
    correct = weights @ (is_alarm == true).astype(float)
    return {
        "accuracy": correct / weights.sum(axis=1),
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
