"""Rank correlation, against SciPy's."""

import numpy as np
import pytest
from scipy import stats

from dlcore.explanation.agreement import rank_correlation


@pytest.mark.parametrize("seed", range(5))
def test_it_is_scipys(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 6, 40), rng.normal(size=40)
    assert rank_correlation(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_the_same_the_reverse_and_nothing_to_order():
    values = np.array([3.0, -1.0, 2.0, 8.0])
    assert rank_correlation(values, values**3) == pytest.approx(1.0)
    assert rank_correlation(values, -values) == pytest.approx(-1.0)
    assert np.isnan(rank_correlation(values, np.ones(4)))
