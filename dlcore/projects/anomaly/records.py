"""Scores that call an alarm when they set a new record among the scores of the recent past.

A fixed threshold is silent for ever after one large event in the training part, and on for ever after a level shift.
A score here is above 1, the threshold, where the error is `ratio` times the largest of the last `reach` points, and
below 1 elsewhere; in both ranges it rises with the error, so that ranks remain those of the errors.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

SHARE, RATIO, THRESHOLD = 0.15, 1.05, 1.0
"""Recent past as a share of the training part, the ratio of a record, and the threshold of its scores. Chosen by NAB on
23 series of the Numenta corpus."""
SHORT_WINDOW, LEAST_REACH = 150, 100
"""Errors of shorter windows vary more, as the root of their length; a shorter past has too few of them."""
LEAST_SHARE = 1e-3
"""Errors below this share of the largest training error set no record."""


@dataclass(frozen=True)
class RecordRule:
    """The recent past in points, and how many times its largest error a record is."""

    reach: int
    ratio: float

    @classmethod
    def of(cls, share: float, *, train_points: int, window: int) -> "RecordRule":
        """The rule for errors of windows, of a series whose recent past is a share of the training part."""
        reach = max(1, round(share * train_points), min(LEAST_REACH, train_points))
        return cls(reach, 1 + (RATIO - 1) * max(1.0, (SHORT_WINDOW / window) ** 0.5))


def record_scores(
    errors: np.ndarray, rule: RecordRule, *, largest: float, before: np.ndarray | None = None
) -> np.ndarray:
    """Return causal scores (n,) from squared errors (n,); `before` are those of the points before them.

    largest: the root of the largest training error; it stands for the points before the first.
    """
    reach, largest = rule.reach, max(largest, 1e-12)
    before = np.zeros(0) if before is None else before[-reach:]
    sizes = np.sqrt(np.r_[before, errors])
    known = np.r_[np.full(reach - len(before), largest), sizes]
    recent = maximum_filter1d(known, reach, origin=(reach - 1) // 2)[reach - 1 : -1]  # of the `reach` points before
    new = sizes[len(before) :]
    is_record = new > rule.ratio * np.maximum(recent, LEAST_SHARE * largest)
    scores: np.ndarray = new / (largest + new) + is_record
    return scores
