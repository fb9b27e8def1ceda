"""ROC and precision-recall curves and the areas under them, for one resample or many at once.

A resample is a row of weights (how often each sample was drawn), so a bootstrap is a matrix product, not a loop.
Ties in the score are one step of a curve, as in scikit-learn, which the tests compare with.
"""

from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import DataError


@dataclass(frozen=True)
class Roc:
    """False-positive rate against recall; thresholds (G+1,) fall, the first is infinite: nothing is called positive."""

    false_positive_rate: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision against recall; thresholds (G,) fall, and with each a sample counts as positive from it upwards."""

    precision: np.ndarray
    recall: np.ndarray
    thresholds: np.ndarray


def roc(scores: np.ndarray, positive: np.ndarray) -> Roc:
    """The ROC curve of scores (N,), higher meaning more positive, against positive (N,) true or false.

    Raises:
        DataError: one of the two classes is missing.
    """
    hits, alarms, thresholds = _steps(scores, positive, np.ones((1, len(scores))))
    _need_both(positive)
    return Roc(
        false_positive_rate=np.r_[0.0, alarms[0] / alarms[0, -1]],
        recall=np.r_[0.0, hits[0] / hits[0, -1]],
        thresholds=np.r_[np.inf, thresholds],
    )


def precision_recall(scores: np.ndarray, positive: np.ndarray) -> PrecisionRecall:
    """The precision-recall curve of scores (N,) against positive (N,).

    Raises:
        DataError: one of the two classes is missing.
    """
    _need_both(positive)
    hits, alarms, thresholds = _steps(scores, positive, np.ones((1, len(scores))))
    return PrecisionRecall(hits[0] / (hits[0] + alarms[0]), hits[0] / hits[0, -1], thresholds)


def roc_auc(scores: np.ndarray, positive: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve (B,) for weights (B, N); not-a-number where a class is missing.

    It is the chance that a positive sample has a higher score than a negative one (Fawcett 2006).
    """
    hits, alarms, _ = _steps(scores, positive, _one_row(weights, len(scores)))
    before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
    widths = np.diff(alarms, axis=1, prepend=0.0)
    area = ((hits + before) / 2 * widths).sum(axis=1)
    return _ratio(area, hits[:, -1] * alarms[:, -1])


def average_precision(scores: np.ndarray, positive: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the precision-recall curve (B,): the sum of precision x gain in recall. Chance: the positive share."""
    hits, alarms, _ = _steps(scores, positive, _one_row(weights, len(scores)))
    drawn = hits + alarms
    precision = np.divide(hits, drawn, out=np.zeros_like(hits), where=drawn > 0)
    area = (precision * np.diff(hits, axis=1, prepend=0.0)).sum(axis=1)
    return _ratio(area, hits[:, -1])


def _steps(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positives and negatives at or above each distinct score, (B, G) both, and those scores (G,), falling."""
    if len(scores) == 0 or len(scores) != len(positive):
        raise DataError(f"scores and targets differ in length or are empty: {len(scores)} and {len(positive)}.")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    drawn, is_positive = weights[:, order], positive[order].astype(bool)
    hits = np.cumsum(drawn * is_positive, axis=1)[:, last]  # (B, N) -> (B, G)
    alarms = np.cumsum(drawn * ~is_positive, axis=1)[:, last]
    return hits, alarms, ranked[last]


def _one_row(weights: np.ndarray | None, n: int) -> np.ndarray:
    return np.ones((1, n)) if weights is None else weights


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _need_both(positive: np.ndarray) -> None:
    if len(np.unique(positive.astype(bool))) < 2:
        raise DataError("a curve needs samples of both classes, and here is only one; use a split that holds both.")
