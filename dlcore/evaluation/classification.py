"""Classification metrics and their plots' arrays from probabilities (N, K) and class numbers (N,)."""

from dataclasses import dataclass

import numpy as np

from dlcore.core.errors import DataError
from dlcore.evaluation import curves, uncertainty

BINS = 15
"""Equal-width bins of confidence for calibration, as in Guo et al. 2017."""
MIN_SAMPLES = 5
"""Bins of a reliability diagram with fewer samples are not drawn."""


@dataclass(frozen=True)
class ReliabilityBins:
    """For each non-empty bin of confidence (M,): mean confidence, accuracy, number of samples."""

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def metrics(scores: np.ndarray, targets: np.ndarray, *, threshold: float = 0.5) -> dict[str, float]:
    """Return the metrics of one run, all but `loss` between 0 and 1; titles and help in `evaluation.metrics`.

    For two classes precision, recall, f1, roc_auc and auc_pr are those of class 1, predicted from `threshold` on. For
    more they are one-vs-rest macro averages, and the threshold is ignored. Undefined metrics (a class
    never occurs) are left out.

    Raises:
        DataError: the shapes do not match, or a target is not one of the K classes.
    """
    check_arrays(scores, targets)
    values = _values(scores, targets, threshold=threshold, weights=np.ones((1, len(targets))))
    return {
        name: float(value[0]) for name, value in (values | _areas(scores, targets)).items() if np.isfinite(value[0])
    }


def intervals(
    scores: np.ndarray, targets: np.ndarray, *, threshold: float = 0.5, draws: int = 500, seed: int = 0
) -> dict[str, float]:
    """Return bootstrap 95 % intervals as `<name>_low` and `<name>_high`; areas for two classes only.

    Accuracy has Wilson's interval.
    """
    check_arrays(scores, targets)

    def statistic(weights: np.ndarray) -> dict[str, np.ndarray]:
        values = _values(scores, targets, threshold=threshold, weights=weights)
        return values | (_areas(scores, targets, weights=weights) if scores.shape[1] == 2 else {})

    bootstrap = uncertainty.bootstrap(statistic, len(targets), draws=draws, seed=seed)
    correct = int((predicted_classes(scores, threshold=threshold) == targets).sum())
    return uncertainty.as_low_high(bootstrap | {"accuracy": uncertainty.wilson(correct, len(targets))})


def predicted_classes(scores: np.ndarray, *, threshold: float = 0.5) -> np.ndarray:
    """Return class numbers (N,): the most probable; for two classes, 1 if its probability reaches `threshold`."""
    if scores.shape[1] == 2:
        return (scores[:, 1] >= np.float64(threshold)).astype(np.int64)  # 64 bits, like the page
    return scores.argmax(axis=1)


def confusion_matrix(scores: np.ndarray, targets: np.ndarray, *, threshold: float = 0.5) -> np.ndarray:
    """Return counts (K, K): row = actual class, column = predicted class."""
    check_arrays(scores, targets)
    classes = scores.shape[1]
    cells = targets.astype(np.int64) * classes + predicted_classes(scores, threshold=threshold)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the recall of each class (K,) from counts (K, K); NaN for a class without samples."""
    total = confusion.sum(axis=1)
    return np.divide(confusion.diagonal(), total, out=np.full(len(total), np.nan), where=total > 0)


def calibration(scores: np.ndarray, targets: np.ndarray, *, bins: int = BINS) -> ReliabilityBins:
    """Return confidence (largest probability) and accuracy in equal-width bins."""
    check_arrays(scores, targets)
    confidence, is_correct, bin_index = _confidence(scores, targets, bins)
    count = np.bincount(bin_index, minlength=bins)
    used = count > 0
    sums = np.stack([np.bincount(bin_index, weights=w, minlength=bins)[used] for w in (confidence, is_correct)])
    return ReliabilityBins(sums[0] / count[used], sums[1] / count[used], count[used])


def plotted_bins(scores: np.ndarray, targets: np.ndarray) -> ReliabilityBins:
    """Return the bins of a reliability diagram with at least `MIN_SAMPLES` samples, or as many as the largest has."""
    bins = calibration(scores, targets)
    large = bins.count >= min(MIN_SAMPLES, bins.count.max())
    return ReliabilityBins(bins.confidence[large], bins.accuracy[large], bins.count[large])


def least_confident(scores: np.ndarray) -> int:
    """Return the index of the sample whose highest probability is lowest; scores (N, K)."""
    return int(scores.max(axis=1).argmin())


def most_confident_errors(
    scores: np.ndarray, targets: np.ndarray, *, threshold: float = 0.5, count: int = 12
) -> np.ndarray:
    """Return rows of the incorrect predictions, highest confidence first."""
    check_arrays(scores, targets)
    predicted = predicted_classes(scores, threshold=threshold)
    confidence = np.where(predicted == targets, -1.0, scores[np.arange(len(predicted)), predicted])
    rows = np.argsort(-confidence, kind="stable")[:count]
    return rows[confidence[rows] >= 0]


def check_arrays(scores: np.ndarray, targets: np.ndarray) -> None:
    """Check that the arrays fit together.

    Raises:
        DataError: the shapes do not match, a score is not finite, or a target is out of range.
    """
    if scores.ndim != 2 or scores.shape[1] < 2 or targets.shape != scores.shape[:1] or not len(targets):
        raise DataError(
            f"scores must be (N, K) with K >= 2 and targets (N,), but are {scores.shape} and {targets.shape}."
        )
    if not np.isfinite(scores).all():
        raise DataError(
            f"row {int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])} of the scores is not a finite number."
        )
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise DataError(
            f"targets run from {targets.min()} to {targets.max()}, but there are {scores.shape[1]} classes."
        )


def _values(scores: np.ndarray, targets: np.ndarray, *, threshold: float, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return every metric except the areas, each (B,), from sample weights (B, N)."""
    classes, predicted = np.arange(scores.shape[1]), predicted_classes(scores, threshold=threshold)
    is_true, is_predicted = (which[:, None] == classes for which in (targets, predicted))  # (N, K)
    total = weights.sum(axis=1)
    hits, true, calls = (
        weights @ part.astype(float) for part in (is_true & is_predicted, is_true, is_predicted)
    )  # (B, K)
    true_probability = np.clip(scores[np.arange(len(targets)), targets.astype(np.int64)], np.finfo(np.float32).eps, 1.0)
    by_class = {
        "precision": _divide(hits, calls),
        "recall": _divide(hits, true),
        "f1": _divide(2 * hits, calls + true),
    }
    return {
        "accuracy": hits.sum(axis=1) / total,
        **{name: _over_classes(value, true + calls > 0) for name, value in by_class.items()},
        "ece": _ece(scores, targets, weights),
        "loss": weights @ -np.log(true_probability.astype(float)) / total,
    }


def _over_classes(values: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    """Return class 1's value for two classes, else the mean over actual or predicted classes: (B, K) -> (B,)."""
    if values.shape[1] == 2:
        return values[:, 1]
    return (values * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)


def _areas(scores: np.ndarray, targets: np.ndarray, *, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    classes = [1] if scores.shape[1] == 2 else [k for k in range(scores.shape[1]) if (targets == k).any()]
    if len(np.unique(targets)) < 2:
        return {}
    functions = {"roc_auc": curves.roc_auc, "auc_pr": curves.average_precision}
    return {
        name: np.mean([area(scores[:, k], targets == k, weights=weights) for k in classes], axis=0)
        for name, area in functions.items()
    }


def _ece(scores: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the expected calibration error: mean gap of confidence and accuracy, weighted by bin size."""
    confidence, is_correct, bin_index = _confidence(scores, targets, BINS)
    gap = np.zeros((len(targets), BINS))
    gap[np.arange(len(targets)), bin_index] = confidence - is_correct
    return np.abs(weights @ gap).sum(axis=1) / weights.sum(axis=1)


def _confidence(scores: np.ndarray, targets: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confidence = scores.max(axis=1).astype(float)
    is_correct = (scores.argmax(axis=1) == targets).astype(float)
    bin_index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return confidence, is_correct, bin_index


def _divide(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Return the quotient; 0 if the denominator is 0, as scikit-learn's zero_division=0."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
