"""Baselines learn from the training part alone and find what they should."""

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from dlcore.core.errors import DataError
from dlcore.evaluation import baselines, curves

HALF_HOUR = 1_800_000
METHODS = [baselines.weekly_median, baselines.seasonal_naive, baselines.median_mad]


def series() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six weeks of a clean weekly rhythm with one day silenced in week five; four weeks to learn from."""
    times = np.arange(6 * 336, dtype=np.int64) * HALF_HOUR + 1_404_172_800_000
    values = 10 + np.sin(2 * np.pi * np.arange(6 * 336) / 48) + (np.arange(6 * 336) // 48 % 7 == 5)
    values[4 * 336 + 96 : 4 * 336 + 144] = 0
    return times, values, np.arange(len(times)) < 4 * 336


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_learnt_from_what_comes_later(method: object) -> None:
    times, values, train = series()
    changed = values.copy()
    changed[~train] += 1000
    before, after = method(times, values, train=train), method(times, changed, train=train)  # type: ignore[operator]
    np.testing.assert_array_equal(before[train], after[train])


@pytest.mark.parametrize("method", METHODS)
def test_the_silent_day_stands_out(method: object) -> None:
    times, values, train = series()
    scores = method(times, values, train=train)  # type: ignore[operator]
    assert curves.roc_auc(scores[~train], values[~train] == 0)[0] > 0.75
    assert scores[values == 0].min() > 3


def test_weekly_median_of_a_clean_rhythm_is_zero() -> None:
    times, values, train = series()
    assert baselines.weekly_median(times, values, train=train)[values > 0].max() < 1e-9


def test_gaps_take_the_value_of_the_same_time_and_not_of_the_same_row() -> None:
    times, values, train = series()
    keep = np.ones(len(times), bool)
    keep[700:710] = False
    scores = baselines.seasonal_naive(times[keep], values[keep], train=train[keep])
    quiet = (values[keep] > 0) & (np.arange(keep.sum()) < 4 * 336)
    assert scores[quiet].max() < 1e-9


def test_random_score_is_chance() -> None:
    positive = np.arange(20_000) % 2 == 0
    assert curves.roc_auc(baselines.random_score(20_000), positive)[0] == pytest.approx(0.5, abs=0.02)


def test_all_series_scores_have_a_name_and_a_score_a_point() -> None:
    times, values, train = series()
    found = baselines.series_scores(times, values, train=train)
    assert set(found) == {"weekly_median", "seasonal_naive", "median_mad", "random"}
    assert all(score.shape == values.shape and np.isfinite(score).all() for score in found.values())


def test_a_series_without_training_part_is_refused() -> None:
    times, values, train = series()
    with pytest.raises(DataError, match="0 training points"):
        baselines.weekly_median(times, values, train=np.zeros_like(train))


def test_majority_gives_the_training_shares() -> None:
    scores = baselines.majority(np.array([0, 1, 1, 1]), 3, classes=3)
    np.testing.assert_allclose(scores, [[0.25, 0.75, 0.0]] * 3)


def test_nearest_centroid_equals_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(4, size=300)
    inputs = rng.normal(size=(300, 5, 2)) + targets[:, None, None]
    expected = (
        NearestCentroid().fit(inputs[:200].reshape(200, -1), targets[:200]).predict(inputs[200:].reshape(100, -1))
    )
    scores = baselines.nearest_centroid(inputs[:200], targets[:200], inputs[200:], classes=5)
    np.testing.assert_array_equal(scores.argmax(axis=1), expected)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    assert (scores[:, 4] == 0).all()  # never seen in training
