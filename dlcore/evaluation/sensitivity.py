"""Sensitivity of event metrics to the threshold and to unlabeled anomalies.

No function chooses a threshold or a label.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import anomaly, nab

BISECTIONS = 24
"""Halvings of the step between two factors."""


@dataclass(frozen=True)
class ThresholdSweep:
    """Event counts when a threshold is multiplied by each of `factors` (F,), all (F,).

    `nab` is the standard profile (NaN without a labeled window). `event_lost` is the smallest factor above 1 at which
    an event that factor 1 detects is missed, `alarm_gained` the largest one below 1 at which there are more false
    alarms than at 1; NaN if there is none.
    """

    factors: np.ndarray
    nab: np.ndarray
    events_hit: np.ndarray
    false_alarms: np.ndarray
    event_lost: float = float("nan")
    alarm_gained: float = float("nan")


def threshold_sweep(
    scores: np.ndarray,
    targets: np.ndarray,
    *,
    threshold: float,
    factors: np.ndarray,
    counted_from: int,
    step_hours: float,
) -> ThresholdSweep:
    """Return event counts and NAB from index `counted_from` on at threshold x each factor (F,).

    scores, targets (N,) are the whole series.
    """
    true, gap = targets.astype(bool), anomaly.event_gap(step_hours, len(scores) - counted_from)
    windows = anomaly.true_ranges(true)
    has_label = bool(true[counted_from:].any())

    def count(factor: float) -> tuple[int, int]:
        events = anomaly.events(anomaly.alarms(scores, threshold * factor)[counted_from:], true[counted_from:], gap=gap)
        return int(events.hit.sum()), len(events.false_alarms)

    nab_scores = [
        nab.file_score(anomaly.alarms(scores, threshold * factor), windows, start=counted_from) if has_label else np.nan
        for factor in factors
    ]
    hits, false = np.array([count(factor) for factor in factors], int).reshape(-1, 2).T
    hits_at_one, false_at_one = count(1.0)
    return ThresholdSweep(
        np.asarray(factors, float),
        np.array(nab_scores, float),
        hits,
        false,
        event_lost=_first_change(factors[factors > 1], lambda factor: count(factor)[0] < hits_at_one),
        alarm_gained=_first_change(factors[factors < 1][::-1], lambda factor: count(factor)[1] > false_at_one),
    )


def _first_change(factors: np.ndarray, is_changed: Callable[[float], bool]) -> float:
    """Return the first of `factors` (F,), ordered from 1 on, that changes a count, refined by bisection; else NaN."""
    near = 1.0
    for far in map(float, factors):
        if is_changed(far):
            for _ in range(BISECTIONS):
                middle = (near + far) / 2
                near, far = (near, middle) if is_changed(middle) else (middle, far)
            return far
        near = far
    return float("nan")


def remove_false_alarms(
    is_alarm: np.ndarray, targets: np.ndarray, excused: np.ndarray, *, step_hours: float
) -> np.ndarray:
    """Return alarms (N,) without the false alarms that overlap one of the `excused` index ranges (P, 2).

    Use it to score a series as if those days were labeled or excluded; the official count includes them.
    """
    gap = anomaly.event_gap(step_hours, len(is_alarm))
    false = anomaly.events(is_alarm, targets, gap=gap).false_alarms
    remaining = is_alarm.copy()
    for start, stop in false[anomaly.overlapping(false, excused)]:
        remaining[start:stop] = False
    return remaining
