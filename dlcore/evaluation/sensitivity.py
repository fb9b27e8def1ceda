"""How much hangs on a threshold, and on days that nobody labelled: what is counted if they were otherwise.

None of this chooses a threshold or a label; it shows how far a result would hold.
"""

from dataclasses import dataclass

import numpy as np

from dlcore.evaluation import anomaly, nab


@dataclass(frozen=True)
class ThresholdSweep:
    """What becomes of the event counts when a threshold is multiplied by each of `factors` (F,), all (F,).

    `nab` is the standard profile (not-a-number without a labelled window)."""

    factors: np.ndarray
    nab: np.ndarray
    events_hit: np.ndarray
    false_alarms: np.ndarray

    @property
    def event_lost(self) -> float:
        """The smallest factor above 1 at which an event that factor 1 catches is lost; not-a-number if none is."""
        return self._first(self.factors > 1, self.events_hit < self._at_one(self.events_hit))

    @property
    def alarm_gained(self) -> float:
        """The largest factor below 1 at which there are more false alarms than at 1; not-a-number if there is none."""
        return self._first(self.factors < 1, self.false_alarms > self._at_one(self.false_alarms), last=True)

    def _at_one(self, counts: np.ndarray) -> int:
        return int(counts[np.abs(np.log(self.factors)).argmin()])

    def _first(self, side: np.ndarray, changed: np.ndarray, *, last: bool = False) -> float:
        found = self.factors[side & changed]
        return float("nan") if not len(found) else float(found.max() if last else found.min())


def threshold_sweep(
    scores: np.ndarray,
    targets: np.ndarray,
    *,
    threshold: float,
    factors: np.ndarray,
    counted_from: int,
    step_hours: float,
) -> ThresholdSweep:
    """How far a threshold may move: event counts and NAB from index `counted_from` on at threshold x each factor (F,).

    scores, targets (N,) are the whole series. It shows how fragile a threshold is, and chooses none.
    """
    true, day = targets.astype(bool), max(1, round(24 / step_hours))
    windows = anomaly.true_ranges(true)
    labelled = bool(true[counted_from:].any())
    rows = []
    for factor in factors:
        called = anomaly.alarms(scores, threshold * factor)
        seen = anomaly.events(called[counted_from:], true[counted_from:], gap=day)
        worth = nab.file_score(called, windows, start=counted_from) if labelled else np.nan
        rows.append((worth, int(seen.hit.sum()), len(seen.false_alarms)))
    worths, hits, false = zip(*rows, strict=True) if rows else ((), (), ())
    return ThresholdSweep(
        np.asarray(factors, float), np.array(worths, float), np.array(hits, int), np.array(false, int)
    )


def remove_false_alarms(
    called: np.ndarray, targets: np.ndarray, excused: np.ndarray, *, step_hours: float
) -> np.ndarray:
    """Alarms (N,) less every false alarm that touches one of the `excused` index ranges (P, 2), each as a whole.

    For the question what a score would be had those days been labelled or left out; the official count keeps them.
    """
    day = max(1, round(24 / step_hours))
    false = anomaly.events(called, targets, gap=day).false_alarms
    found = called.copy()
    for start, stop in false[anomaly.overlapping(false, excused)]:
        found[start:stop] = False
    return found
