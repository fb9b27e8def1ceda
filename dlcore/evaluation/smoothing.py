"""Moving averages of a score: causal means use no later point, centered means look half a window ahead."""

import numpy as np

from dlcore.core.errors import DataError


def trailing_mean(scores: np.ndarray, n: int) -> np.ndarray:
    """Return the causal mean (N,) of each point and the n - 1 before it; of fewer at the start.

    Raises:
        DataError: n is smaller than 1.
    """
    return _mean(scores, before=_size(n) - 1, after=0)


def centered_mean(scores: np.ndarray, n: int) -> np.ndarray:
    """Return the centered mean (N,) of n points, n // 2 before and `lookahead(n)` after each point; fewer at both ends.

    Raises:
        DataError: n is smaller than 1.
    """
    return _mean(scores, before=_size(n) // 2, after=lookahead(n))


def lookahead(n: int) -> int:
    """Return how many later points a centered mean of n points uses: thresholds must exclude these before a split's
    end.
    """
    return (n - 1) // 2


def _mean(scores: np.ndarray, *, before: int, after: int) -> np.ndarray:
    if not before + after or not len(scores):
        return scores.astype(np.float64)
    place = np.arange(len(scores))
    low, high = np.maximum(place - before, 0), np.minimum(place + after + 1, len(scores))
    # Summed relative to the first score, which keeps precision where scores are large and similar.
    first = float(scores[0])
    total = np.r_[0.0, np.cumsum(scores.astype(np.float64) - first)]
    means = first + (total[high] - total[low]) / np.maximum(high - low, 1)
    return np.clip(means, scores.min(), scores.max())  # rounding must not make a mean of squares negative


def _size(n: int) -> int:
    if n < 1:
        raise DataError(f"a moving average needs at least one point, not {n}.")
    return n
