"""Running means by hand, and that a causal one never sees what comes after."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.evaluation import smoothing


def test_means_match_manual_values() -> None:
    scores = np.array([1.0, 2.0, 3.0, 10.0])
    np.testing.assert_allclose(smoothing.trailing_mean(scores, 2), [1.0, 1.5, 2.5, 6.5])
    np.testing.assert_allclose(smoothing.centered_mean(scores, 3), [1.5, 2.0, 5.0, 6.5])
    np.testing.assert_allclose(smoothing.centered_mean(scores, 1), scores)
    with pytest.raises(DataError, match="at least one point"):
        smoothing.trailing_mean(scores, 0)


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(1, 12))
def test_what_a_mean_may_see(seed: int, n: int, width: int) -> None:
    """Changing the last points moves no causal mean before them, and no centered one more than `ahead` before."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=n)
    place = int(rng.integers(n))
    changed = scores.copy()
    changed[place:] += 5
    causal = [smoothing.trailing_mean(values, width) for values in (scores, changed)]
    np.testing.assert_allclose(causal[0][:place], causal[1][:place], rtol=0, atol=1e-9)
    centered = [smoothing.centered_mean(values, width) for values in (scores, changed)]
    before = max(place - smoothing.lookahead(width), 0)
    np.testing.assert_allclose(centered[0][:before], centered[1][:before], rtol=0, atol=1e-9)


@given(st.integers(0, 1000), st.integers(1, 40), st.integers(1, 50))
def test_each_mean_is_of_the_points_it_says(seed: int, n: int, width: int) -> None:
    scores = np.random.default_rng(seed).gamma(2.0, size=n)
    trailing = [scores[max(i - width + 1, 0) : i + 1].mean() for i in range(n)]
    low, high = width // 2, smoothing.lookahead(width)
    centered = [scores[max(i - low, 0) : i + high + 1].mean() for i in range(n)]
    np.testing.assert_allclose(smoothing.trailing_mean(scores, width), trailing)
    np.testing.assert_allclose(smoothing.centered_mean(scores, width), centered)
    assert low + high + 1 == width
