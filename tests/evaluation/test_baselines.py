"""Baselines learn from the training part alone and find what they should."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestCentroid

from dlcore.core.errors import DataError
from dlcore.evaluation import baselines, curves, smoothing
from dlcore.evaluation.smoothing import trailing_mean

HALF_HOUR = 1_800_000
FORMS = ("raw", "causal", "centred")
METHODS = [baselines.weekly_median, baselines.seasonal_naive, baselines.median_mad, baselines.nearest_window]


def series() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six weeks of clean weekly seasonality with one silent day in week five; four weeks of training."""
    times = np.arange(6 * 336, dtype=np.int64) * HALF_HOUR + 1_404_172_800_000
    values = 10 + np.sin(2 * np.pi * np.arange(6 * 336) / 48) + (np.arange(6 * 336) // 48 % 7 == 5)
    values[4 * 336 + 96 : 4 * 336 + 144] = 0
    return times, values, np.arange(len(times)) < 4 * 336


@pytest.mark.parametrize("method", METHODS)
def test_training_scores_ignore_later_values(method: object) -> None:
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
    full = np.flatnonzero(values == 0)[-1]  # a window that ends here lies wholly in the silent day
    assert scores[full] > 3


def test_weekly_median_of_clean_seasonality_is_zero() -> None:
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


def test_all_series_scores_have_a_name_and_one_score_per_point() -> None:
    times, values, train = series()
    series_scores = baselines.series_scores(times, values, train=train)
    names = ("weekly_median", "median_mad", "seasonal_naive", *baselines.WINDOW_METHODS)
    methods = [f"{name}_{form}" for name in names for form in FORMS]
    assert set(series_scores) == {*methods, "nearest_window_causal", "nearest_window_centred", "random"}
    assert all(score.shape == values.shape and np.isfinite(score).all() for score in series_scores.values())
    np.testing.assert_allclose(series_scores["median_mad_causal"], trailing_mean(series_scores["median_mad_raw"], 48))
    assert series_scores["knn_raw"] is series_scores["knn_causal"]  # its window takes the place of a running mean
    for name in ("weekly_median_raw", "median_mad_causal", "nearest_window_centred", "kmeans_centred", "random"):
        np.testing.assert_array_equal(baselines.series_score(name, times, values, train=train), series_scores[name])
    with pytest.raises(DataError, match="no baseline 'nearest_window_raw'"):
        baselines.series_score("nearest_window_raw", times, values, train=train)


@settings(max_examples=8, deadline=None)
@given(st.integers(4 * 336, 6 * 336 - 1), st.floats(-50, 50))
def test_causal_scores_see_nothing_that_comes_later(place: int, jump: float) -> None:
    """Values after a point change no raw or causal score up to it; a centered one only half a day before it."""
    times, values, train = series()
    changed = values.copy()
    changed[place:] += jump
    before, after = (baselines.series_scores(times, kind, train=train) for kind in (values, changed))
    for name, score in before.items():
        reach = smoothing.lookahead(48) if name.endswith("_centred") else 0
        np.testing.assert_allclose(score[: place - reach], after[name][: place - reach], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("step_ms", "days", "period"),
    [
        (HALF_HOUR, 42, 336),
        (HALF_HOUR, 10, 48),
        (HALF_HOUR, 2, 1),
        (86_400_000, 60, 7),
        (3_600_000, 42, 168),
        (7 * 86_400_000, 800, 1),
        (50 * 60_000, 42, 1),
    ],
)
def test_default_period_fits_the_series(step_ms: int, days: int, period: int) -> None:
    times = np.arange(days * 86_400_000 // step_ms) * step_ms
    train = np.arange(len(times)) < len(times) // 2
    assert baselines.seasonal_period(times, train) == period
    values = np.sin(np.arange(len(times)) / 5)
    series_scores = baselines.series_scores(times, values, train=train)
    assert all(np.isfinite(score).all() for score in series_scores.values())


def test_custom_period_is_used() -> None:
    times, train = np.arange(400) * 1000, np.arange(400) < 300
    values = np.tile(np.arange(10.0), 40)
    values[350] += 7
    for name, score in baselines.series_scores(times, values, train=train, period=10).items():
        if name.startswith(("knn", "matrix_profile", "kmeans")):  # every window with the point is unusual
            assert 350 <= score.argmax() < 358 or name.endswith("_centred"), name
        elif name.endswith("_raw") and not name.startswith("isolation"):
            assert score.argmax() in (350, 360), name  # the naive one has a second peak one period later
    assert baselines.weekly_median(times, values, train=train, period=10)[:350].max() == 0


def test_the_nearest_window_is_the_nearest() -> None:
    """Against the distances worked out one by one, those less than half a period away left out."""
    rng = np.random.default_rng(1)
    times, values, train = np.arange(200) * 1000, rng.normal(size=200), np.arange(200) < 120
    nearest_window = baselines.nearest_window(times, values, train=train, period=28, length=4)
    for end in (3, 60, 119, 121, 199):
        window = values[end - 3 : end + 1]
        result = [e for e in range(3, 120) if abs(e - end) >= 14]
        expected = min(np.sqrt(np.mean((window - values[e - 3 : e + 1]) ** 2)) for e in result)
        assert nearest_window[end] == pytest.approx(expected, rel=1e-4)


def test_long_series_is_scored_in_seconds() -> None:
    n = 50_000
    times = np.arange(n) * HALF_HOUR
    began = time.perf_counter()
    baselines.series_scores(times, np.random.default_rng(0).normal(size=n), train=np.arange(n) < n // 2)
    assert time.perf_counter() - began < 40  # about 10 s; a comparison of all pairs would take minutes


def test_slots_have_the_medians_of_their_training_values() -> None:
    rng = np.random.default_rng(0)
    times = np.delete(np.arange(500), [5, 6, 300]) * HALF_HOUR
    values, train = rng.integers(0, 9, len(times)).astype(float), rng.random(len(times)) < 0.5
    for period in (1, 7, 48, 900):
        median, _, slots = baselines.slot_statistics(times, values, train, period)
        expected = [
            np.median(values[train & (slots == slot)]) if (train & (slots == slot)).any() else np.median(values[train])
            for slot in range(period)
        ]
        np.testing.assert_array_equal(median, expected)


def test_a_series_without_training_part_is_rejected() -> None:
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
