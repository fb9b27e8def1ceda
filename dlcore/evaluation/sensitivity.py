"""Sensitivity of event metrics to the threshold and to unlabeled anomalies.

No function chooses a threshold or a label.
"""

from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import anomaly, nab


@dataclass(frozen=True)
class ThresholdSweep:
    """Event counts when a threshold is multiplied by each of `factors` (F,), all (F,).

    `nab` is the standard profile (NaN without a labeled window).
    """

    factors: np.ndarray
    nab: np.ndarray
    events_hit: np.ndarray
    false_alarms: np.ndarray

    @property
    def event_lost(self) -> float:
        """Smallest factor above 1 at which an event that factor 1 detects is missed; NaN if there is none."""
        return self._first(self.factors > 1, self.events_hit < self._at_one(self.events_hit))

    @property
    def alarm_gained(self) -> float:
        """Largest factor below 1 at which there are more false alarms than at 1; NaN if there is none."""
        return self._first(self.factors < 1, self.false_alarms > self._at_one(self.false_alarms), last=True)

    def _at_one(self, counts: np.ndarray) -> int:
        return int(counts[np.abs(np.log(self.factors)).argmin()])

    def _first(self, side: np.ndarray, changed: np.ndarray, *, last: bool = False) -> float:
        factor = self.factors[side & changed]
        return float("nan") if not len(factor) else float(factor.max() if last else factor.min())


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
    rows = []
    for factor in factors:
        is_alarm = anomaly.alarms(scores, threshold * factor)
        events = anomaly.events(is_alarm[counted_from:], true[counted_from:], gap=gap)
        score = nab.file_score(is_alarm, windows, start=counted_from) if has_label else np.nan
        rows.append((score, int(events.hit.sum()), len(events.false_alarms)))
    nab_scores, hits, false = zip(*rows, strict=True) if rows else ((), (), ())
    return ThresholdSweep(
        np.asarray(factors, float), np.array(nab_scores, float), np.array(hits, int), np.array(false, int)
    )


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
