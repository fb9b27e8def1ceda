"""Scores of forecasts, conformal intervals and ridge regression, against reference values."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from dlcore.core.errors import DataError
from dlcore.evaluation import conformal, forecast, ridge


@pytest.fixture
def case():
    random = np.random.default_rng(0)
    targets = random.normal(50, 5, (600, 2, 3))
    last = targets[:, 0] + random.normal(0, 3, (600, 3))
    predicted = targets + random.normal(0, 2, targets.shape)
    targets[random.random(targets.shape) < 0.1] = np.nan
    targets[:, :, 2] = np.nan
    return predicted, targets, last


def test_r2_is_that_of_scikit_learn_on_what_was_measured(case):
    predicted, targets, last = case
    scores = forecast.scores(predicted, targets, last)
    known = ~np.isnan(targets[:, 1, 0])
    assert scores.r2[1, 0] == pytest.approx(r2_score(targets[known, 1, 0], predicted[known, 1, 0]), abs=1e-12)
    assert np.isnan(scores.r2[:, 2]).all() and np.isnan(scores.mae[:, 2]).all()
    off, copied = ((each[known] - targets[known, 1, 0]) ** 2 for each in (predicted[:, 1, 0], last[:, 0]))
    assert scores.skill[1, 0] == pytest.approx(1 - off.sum() / copied.sum())


def test_a_constant_variable_is_left_out_of_the_means(case):
    predicted, targets, last = case
    targets[:, :, 1] = 7.0
    metrics = forecast.metrics(predicted, targets, last, names=("a", "b", "c"))
    assert "r2_b" not in metrics and "r2_c" not in metrics
    assert metrics["r2_mean"] == pytest.approx(metrics["r2_a"])


def test_intervals_hold_the_value_and_filled_targets_differ(case):
    metrics = forecast.metrics(*case, names=("a", "b", "c"), draws=60)
    for name in ("r2_mean", "skill"):
        assert metrics[f"{name}_low"] < metrics[name] < metrics[f"{name}_high"]
    assert metrics["r2_mean_filled"] != metrics["r2_mean"] and "r2_mean_h2" in metrics
    again = forecast.metrics(*case, names=(), draws=60)
    assert again["skill_low"] == metrics["skill_low"]


def test_missing_values_are_filled_forward():
    targets = np.array([[[np.nan], [2.0], [np.nan]]])
    assert forecast.fill_targets_forward(targets, np.array([[9.0]])).ravel().tolist() == [9, 2, 2]


def test_seasonal_naive_never_looks_at_an_hour_to_come():
    filled = np.arange(100.0)[:, None]
    seasonal_naive = forecast.seasonal_naive(filled, np.array([50]), horizon=30, period=24)[0, :, 0]
    assert (
        seasonal_naive[0] == 26
        and seasonal_naive[23] == 49
        and seasonal_naive[24] == 26
        and (seasonal_naive < 50).all()
    )


def test_weeks_are_scored_separately_and_the_last_includes_the_remainder(case):
    metrics_by_week = forecast.metrics_by_week(*case)
    assert metrics_by_week["start"].tolist() == [0, 168, 336, 504] and np.isfinite(metrics_by_week["skill"]).all()


def test_conformal_intervals_hold_as_often_as_they_say():
    random = np.random.default_rng(1)
    past, now = random.normal(0, 1, (2000, 4)), random.normal(0, 1, (4000, 4))
    past[::7, 0] = np.nan
    held = conformal.coverage(now, conformal.half_widths(past))
    assert np.abs(held - 0.9).max() < 0.025
    assert np.isnan(conformal.half_widths(past[:5])).all()
    with pytest.raises(DataError, match=r"level=2"):
        conformal.half_widths(past, level=2)


def test_adaptive_intervals_hold_as_errors_grow_and_ignore_later_errors():
    random = np.random.default_rng(2)
    past = random.normal(0, 1, (800, 2))
    now = random.normal(0, 1.4, (2000, 2))
    assert conformal.coverage(now, conformal.half_widths(past)).max() < 0.82
    widths = conformal.adaptive_half_widths(past, now)
    assert np.abs(conformal.coverage(now, widths) - 0.9).max() < 0.03
    later = now.copy()
    later[1000:] = 50.0
    assert (conformal.adaptive_half_widths(past, later)[:1001] == widths[:1001]).all()


def test_ridge_with_missing_values_equals_ridge_on_known_rows():
    random = np.random.default_rng(3)
    x = random.normal(0, 1, (300, 6))
    y = x @ random.normal(0, 1, (6, 3)) + random.normal(0, 1, (300, 3)) + 4
    y[random.random(y.shape) < 0.2] = np.nan
    (weights,) = ridge.fit(x, y, strengths=(10.0,))
    for column in range(3):
        known = ~np.isnan(y[:, column])
        theirs = Ridge(alpha=10.0).fit(x[known], y[known, column])
        np.testing.assert_allclose(weights[:-1, column], theirs.coef_, atol=1e-8)
        assert weights[-1, column] == pytest.approx(theirs.intercept_)
    assert ridge.choose((x[:200], y[:200]), (x[200:], y[200:])) in ridge.STRENGTHS


def test_skill_lead_uses_the_same_weeks(case):
    predicted, targets, last = case
    other = predicted + np.random.default_rng(5).normal(0, 1, predicted.shape)
    skill_lead = forecast.skill_lead(predicted, other, targets, last, draws=100)
    assert 0 < skill_lead["skill_low"] < skill_lead["skill"] < skill_lead["skill_high"]
    first, second = (forecast.metrics(each, targets, last, names=())["skill"] for each in (predicted, other))
    assert skill_lead["skill"] == pytest.approx(first - second)
    same = forecast.skill_lead(predicted, predicted, targets, last, draws=20)
    assert same["skill_low"] == same["skill_high"] == 0
