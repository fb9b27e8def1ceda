"""Feedback on alarms: the threshold that false alarms, missed and confirmed events suggest, and its effect."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import RequestError
from dlcore.evaluation.anomaly import MANY_ALARMS, alarm_ranges, overlapping

MARGIN = 1.05
"""A false alarm is silenced by a threshold 5 % above its highest score."""
BELOW = 0.999
"""An event is kept by a threshold 0.1 % below its highest score."""
Range = tuple[int, int]


@dataclass(frozen=True)
class FeedbackEffect:
    """A proposed factor of every threshold, and alarms before and after as index ranges [start, stop), (A, 2).

    `unresolved` counts false alarms that remain, because events with a lower score have to be detected; `undetected`
    missed events that stay missed, because more than a tenth of all points score higher.
    """

    old_factor: float
    factor: float
    before: np.ndarray
    after: np.ndarray
    unresolved: int
    undetected: int = 0

    def describe(self) -> str:
        """Say in one sentence what applying it changes."""
        change = (
            f"{100 * (self.factor / self.old_factor - 1):+.1f} %" if self.factor != self.old_factor else "unchanged"
        )
        text = f"Threshold {change}; alarms {len(self.before)} before, {len(self.after)} after."
        if self.unresolved:
            text += f" {self.unresolved} false alarm{'s' if self.unresolved > 1 else ''} remain: events score lower."
        if self.undetected:
            text += f" Missed events left: {self.undetected}, ordinary points score higher."
        return text


def propose(
    ratios: np.ndarray,
    *,
    false: Sequence[Range] = (),
    missed: Sequence[Range] = (),
    confirmed: Sequence[Range] = (),
    gap: int,
    factor: float = 1.0,
) -> FeedbackEffect:
    """Return the effect of feedback on ratios (N,) of score to threshold; alarms are ratios above the factor.

    The factor rises just above the highest false alarm, but stays below every missed and confirmed event; it falls only
    for missed events. Ranges are indices [start, stop); `gap` is the pause in points between two alarms.

    Raises:
        RequestError: a range holds no scored point, or nothing is marked.
    """
    ratios = np.nan_to_num(ratios, nan=0.0)
    if not len(false) + len(missed):
        raise RequestError("mark at least one alarm as false or one event as missed.")
    peaks = [_peak(ratios, span) for span in false]
    highest = max(peaks, default=0.0)
    event_peaks = [_peak(ratios, span) for span in missed]
    usable = [peak for peak in event_peaks if (ratios > peak * BELOW).mean() <= MANY_ALARMS]
    lowest_event = min((*usable, *(_peak(ratios, span) for span in confirmed)), default=np.inf)
    proposed = min(max(factor, highest * MARGIN), lowest_event * BELOW) if len(false) else factor
    if highest < lowest_event <= highest * MARGIN:
        proposed = float(np.sqrt(highest * lowest_event))
    if not usable:
        proposed = max(factor, proposed)
    else:
        proposed = min(proposed, lowest_event * BELOW)
    after = alarm_ranges(ratios > proposed, gap=gap)
    return FeedbackEffect(
        factor,
        float(proposed),
        alarm_ranges(ratios > factor, gap=gap),
        after,
        sum(peak > proposed for peak in peaks),
        len(event_peaks) - len(usable),
    )


def propose_threshold(
    scores: np.ndarray, threshold: float, *, false: Sequence[int], events: Sequence[Range], gap: int
) -> FeedbackEffect:
    """Return the effect of feedback on scores (N,) with one threshold.

    `false` are points of false alarms; `events` are index ranges known to be anomalous: those without an alarm were
    missed, the others are confirmed.

    Raises:
        RequestError: nothing is marked, or a range has no score.
    """
    ratios = scores / threshold if threshold > 0 else np.zeros(len(scores))
    spans = alarm_ranges(ratios > 1, gap=gap)
    alarms = [(int(start), int(stop)) for start, stop in spans if any(start <= point < stop for point in false)]
    is_hit = overlapping(np.array(events, np.int64).reshape(-1, 2), spans)
    missed = [event for event, hit in zip(events, is_hit, strict=True) if not hit]
    confirmed = [event for event, hit in zip(events, is_hit, strict=True) if hit]
    return propose(ratios, false=alarms, missed=missed, confirmed=confirmed, gap=gap)


def removed(effect: FeedbackEffect) -> np.ndarray:
    """Return the index ranges (A, 2) of alarms before that overlap no alarm after."""
    return effect.before[~overlapping(effect.before, effect.after)]


def _peak(ratios: np.ndarray, span: Range) -> float:
    part = ratios[max(0, span[0]) : span[1]]
    if not len(part) or not part.max() > 0:
        raise RequestError(f"points {span[0]} to {span[1]} have no score: mark a time that was scored.")
    return float(part.max())
