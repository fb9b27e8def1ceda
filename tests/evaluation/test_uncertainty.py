"""Intervals cover what they should, blocks keep neighbors together, and noise is called noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dlcore.core.errors import DataError
from dlcore.evaluation import uncertainty


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(1, 120), st.integers(0, 9))
def test_each_resample_draws_n_samples(n: int, block: int, seed: int) -> None:
    weights = np.concatenate(list(uncertainty.resamples(n, draws=7, block=block, seed=seed)))
    assert weights.shape == (7, n)
    assert (weights >= 0).all()
    np.testing.assert_array_equal(weights.sum(axis=1), n)


def test_chunks_change_nothing_but_memory() -> None:
    shapes = [part.shape for part in uncertainty.resamples(100, draws=25, chunk=1000)]
    assert shapes == [(10, 100), (10, 100), (5, 100)]


def test_blocks_are_runs_of_neighbors() -> None:
    weights = next(uncertainty.resamples(1000, draws=1, block=250, seed=4))[0]
    changes = int((weights != np.roll(weights, 1)).sum())
    assert 0 < changes <= 8  # four blocks have at most eight edges


def test_interval_of_a_mean_equals_the_textbook() -> None:
    values = np.random.default_rng(1).normal(size=2000)
    low, high = uncertainty.bootstrap(lambda w: {"mean": w @ values / 2000}, 2000, draws=2000)["mean"]
    half = 1.96 * values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_blocks_widen_the_interval_of_a_series_that_hangs_together() -> None:
    series = np.repeat(np.random.default_rng(2).normal(size=40), 50)
    widths = []
    for block in (1, 100):
        low, high = uncertainty.bootstrap(lambda w: {"mean": w @ series / len(series)}, len(series), block=block)[
            "mean"
        ]
        widths.append(high - low)
    assert widths[1] > 4 * widths[0]


@given(st.integers(1, 500), st.data())
def test_wilson_equals_scipys(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert uncertainty.wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_the_binomial_test(only_first: int, only_second: int) -> None:
    n = only_first + only_second
    first = np.r_[np.ones(only_first, bool), np.zeros(only_second, bool), np.ones(5, bool)]
    second = np.r_[np.zeros(only_first, bool), np.ones(only_second, bool), np.ones(5, bool)]
    expected = stats.binomtest(only_first, n).pvalue if n else 1.0
    assert uncertainty.mcnemar(first, second) == pytest.approx(expected)


def test_a_run_does_not_differ_from_itself() -> None:
    right = np.random.default_rng(0).integers(0, 2, size=400)
    assert uncertainty.paired_difference(right, right).verdict == "no difference"


def test_noise_is_no_difference_and_a_real_gap_is_one() -> None:
    rng = np.random.default_rng(5)
    first, noisy, better = rng.random(1000) < 0.8, rng.random(1000) < 0.8, rng.random(1000) < 0.9
    assert uncertainty.paired_difference(first, noisy).verdict == "no difference"
    paired_difference = uncertainty.paired_difference(first, better)
    assert (
        paired_difference.verdict == "second"
        and paired_difference.high < 0
        and paired_difference.p_value is not None
        and paired_difference.p_value < 0.001
    )


def test_losses_are_compared_by_the_paired_bootstrap() -> None:
    rng = np.random.default_rng(6)
    loss = rng.random(500)
    paired_difference = uncertainty.paired_difference(-loss, -loss - 0.1 + rng.normal(scale=0.1, size=500))
    assert paired_difference.verdict == "first" and paired_difference.p_value is None
    assert paired_difference.low < paired_difference.value < paired_difference.high


def test_what_cannot_be_compared_is_rejected() -> None:
    with pytest.raises(DataError, match="one value per sample"):
        uncertainty.paired_difference(np.ones(3), np.ones(4))
    with pytest.raises(DataError, match="not a proportion"):
        uncertainty.wilson(0, 0)
