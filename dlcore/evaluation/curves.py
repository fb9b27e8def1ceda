"""Areas under the ROC and precision-recall curves, for one or many resamples at once.

A resample is a row of weights (how often each sample was drawn), so a bootstrap is a matrix product. Tied scores
are one step of a curve, as in scikit-learn, which the tests compare with.
"""

import numpy as np

from dlcore.core.errors import DataError


def roc_auc(scores: np.ndarray, positive: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the ROC curve (B,) for weights (B, N); NaN if a class is missing.

    It is the probability that a positive sample has a higher score than a negative one (Fawcett 2006).
    """
    hits, alarms, _ = _steps(scores, positive, _one_row(weights, len(scores)))
    before = np.concatenate([np.zeros((len(hits), 1)), hits[:, :-1]], axis=1)
    widths = np.diff(alarms, axis=1, prepend=0.0)
    area = ((hits + before) / 2 * widths).sum(axis=1)
    return _ratio(area, hits[:, -1] * alarms[:, -1])


def roc(scores: np.ndarray, positive: np.ndarray, *, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC curve: shares (P,) of negatives and of positives at or above each score, from 0 to 1.

    Longer curves are thinned evenly to `points`, keeping both ends.
    """
    hits, alarms, _ = _steps(scores, positive, _one_row(None, len(scores)))
    false, true = (np.r_[0.0, part[0]] / max(1.0, part[0, -1]) for part in (alarms, hits))
    indices = np.unique(np.linspace(0, len(true) - 1, points).round().astype(np.int64))
    return false[indices], true[indices]


def precision_recall(scores: np.ndarray, positive: np.ndarray, *, points: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return the precision-recall curve: recall (P,) ascending and precision (P,), thinned like `roc`."""
    hits, alarms, _ = _steps(scores, positive, _one_row(None, len(scores)))
    recall, precision = hits[0] / max(1.0, hits[0, -1]), hits[0] / np.maximum(1.0, hits[0] + alarms[0])
    indices = np.unique(np.linspace(0, len(recall) - 1, points).round().astype(np.int64))
    return recall[indices], precision[indices]


def average_precision(scores: np.ndarray, positive: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the precision-recall curve (B,): sum of precision x recall gain. Chance: share of
    positives.
    """
    hits, alarms, _ = _steps(scores, positive, _one_row(weights, len(scores)))
    predicted = hits + alarms
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    area = (precision * np.diff(hits, axis=1, prepend=0.0)).sum(axis=1)
    return _ratio(area, hits[:, -1])


def _steps(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positives and negatives at or above each distinct score, both (B, G), and the scores (G,)."""
    if len(scores) == 0 or len(scores) != len(positive):
        raise DataError(f"scores and targets differ in length or are empty: {len(scores)} and {len(positive)}.")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    ordered_weights, is_positive = weights[:, order], positive[order].astype(bool)
    hits = np.cumsum(ordered_weights * is_positive, axis=1)[:, last]  # (B, N) -> (B, G)
    alarms = np.cumsum(ordered_weights * ~is_positive, axis=1)[:, last]
    return hits, alarms, ranked[last]


def _one_row(weights: np.ndarray | None, n: int) -> np.ndarray:
    return np.ones((1, n)) if weights is None else weights


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
