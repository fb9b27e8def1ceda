"""Running means of a score: **causal** ones use nothing after the point, **centred** ones look half a window ahead."""

import numpy as np

from dlcore.core.errors import DataError


def trailing_mean(scores: np.ndarray, n: int) -> np.ndarray:
    """Causal: the mean (N,) of each point and the n - 1 before it; at the start, of those that there are.

    Raises:
        DataError: n is smaller than 1.
    """
    return _mean(scores, before=_size(n) - 1, after=0)


def centred_mean(scores: np.ndarray, n: int) -> np.ndarray:
    """Looks ahead: the mean (N,) of n points, n // 2 of them before and `ahead(n)` after; fewer at both ends.

    Raises:
        DataError: n is smaller than 1.
    """
    return _mean(scores, before=_size(n) // 2, after=lookahead(n))


def lookahead(n: int) -> int:
    """How many later points a centred mean of n points sees: so many before a split's end must not set a threshold."""
    return (n - 1) // 2


def _mean(scores: np.ndarray, *, before: int, after: int) -> np.ndarray:
    place = np.arange(len(scores))
    low, high = np.maximum(place - before, 0), np.minimum(place + after + 1, len(scores))
    # Summed about the first score: a sum of deviations keeps its digits where the scores are large and alike.
    first = float(scores[0]) if len(scores) else 0.0
    total = np.r_[0.0, np.cumsum(scores.astype(np.float64) - first)]
    return first + (total[high] - total[low]) / np.maximum(high - low, 1)


def _size(n: int) -> int:
    if n < 1:
        raise DataError(f"a running mean needs at least one point, not {n}.")
    return n
