"""Whether two explanations say the same."""

import numpy as np


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's correlation of two arrays (n,): 1 for the same order, -1 for the reverse; equal values share a rank.

    Not a number where one of them is constant. Source: Spearman 1904.
    """
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle: np.ndarray = (last - (count - 1) / 2)[place]
    return middle
