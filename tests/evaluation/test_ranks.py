"""Average ranks and the critical difference of Demsar (2006)."""

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation.ranks import compare_ranks


def test_ranks_and_critical_difference_of_a_known_table():
    """Demsar's example: q = 2.569 for 4 classifiers, so CD = 2.569 sqrt(4 * 5 / (6 * 14)) = 1.25 for 14 data sets."""
    rng = np.random.default_rng(0)
    base = rng.random(14)
    result = compare_ranks({"a": base + 3, "b": base + 2, "c": base + 1, "d": base})
    assert result.ranks == {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    assert result.critical_difference == pytest.approx(1.25, abs=0.005)
    assert result.groups == [["a", "b"], ["b", "c"], ["c", "d"]]


def test_ties_share_their_rank_and_one_method_is_an_error():
    assert compare_ranks({"a": np.array([1.0, 2.0]), "b": np.array([1.0, 1.0])}).ranks == {"a": 1.25, "b": 1.75}
    with pytest.raises(DataError, match="two methods"):
        compare_ranks({"a": np.array([1.0])})
