"""Adaptive thresholds keep their stated rate of false alarms on scores of one kind, and DSPOT under drift too."""

import json
import math

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation.adaptive_threshold import StreamThreshold, fit_pareto, make_threshold

START, POINTS, RATE = 1_000, 6_000, 0.01
DRAWS = {
    "exponential": lambda rng, n: rng.exponential(size=n),
    "chi-squared": lambda rng, n: rng.chisquare(3, n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
}


def false_alarms(threshold: StreamThreshold, scores: np.ndarray) -> np.ndarray:
    return np.array([score > threshold.update(score) for score in scores.tolist()])


@pytest.mark.parametrize("kind", ["rolling", "conformal", "dspot"])
@pytest.mark.parametrize("draw", DRAWS)
def test_false_alarms_come_at_the_stated_rate(kind: str, draw: str) -> None:
    shares = []
    for seed in range(3):
        scores = DRAWS[draw](np.random.default_rng(seed), START + POINTS)
        threshold = make_threshold(kind, scores[:START], fixed=1.0, rate=RATE, memory=2000)
        shares.append(false_alarms(threshold, scores[START:]).mean())
    n = 3 * POINTS
    bound = 4 * math.sqrt(RATE * (1 - RATE) / n) + 0.001
    assert abs(np.mean(shares) - RATE) < bound
    if kind == "conformal":  # its rate is an upper bound
        assert np.mean(shares) < RATE + 3 * math.sqrt(RATE * (1 - RATE) / n)


def test_dspot_follows_drift_where_a_fixed_threshold_does_not() -> None:
    rng = np.random.default_rng(0)
    scores = rng.exponential(size=START + POINTS) + np.linspace(0, 20, START + POINTS)
    fixed = make_threshold("fixed", [], fixed=float(np.quantile(scores[:START], 1 - RATE)))
    dspot = make_threshold("dspot", scores[:START], fixed=1.0, rate=RATE)
    assert false_alarms(fixed, scores[START:]).mean() > 0.5
    assert false_alarms(dspot, scores[START:]).mean() < 2 * RATE


@pytest.mark.parametrize("kind", ["rolling", "conformal", "dspot"])
def test_an_event_raises_an_alarm_and_a_long_one_leaves_the_tail(kind: str) -> None:
    rng = np.random.default_rng(1)
    threshold = make_threshold(kind, rng.exponential(size=2000), fixed=1.0, rate=0.001, memory=2000)
    assert false_alarms(threshold, np.full(30, 100.0))[0]
    if kind == "dspot":
        assert false_alarms(threshold, np.full(300, 100.0)).all()
        assert threshold.update(1.0) < 30


def test_thresholds_without_enough_scores_are_infinite() -> None:
    assert make_threshold("conformal", np.arange(98.0), fixed=1, rate=0.01).update(5) == math.inf
    assert make_threshold("conformal", np.arange(99.0), fixed=1, rate=0.01).update(5) == 98
    assert make_threshold("rolling", np.arange(19.0), fixed=1).update(5) == math.inf
    assert make_threshold("dspot", np.arange(100.0), fixed=1).update(5) == math.inf


def test_rolling_equals_numpy() -> None:
    rng = np.random.default_rng(2)
    scores = rng.exponential(size=500)
    threshold = make_threshold("rolling", scores[:100], fixed=1, rate=0.05, memory=80)
    for at in range(100, 500):
        expected = np.quantile(scores[at - 80 : at], 0.95)
        assert threshold.update(float(scores[at])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["fixed", "rolling", "conformal", "dspot"])
def test_state_continues(kind: str) -> None:
    scores = np.random.default_rng(3).exponential(size=2000).tolist()
    whole, half = (make_threshold(kind, scores[:600], fixed=3.0, rate=0.01) for _ in range(2))
    expected = [whole.update(score) for score in scores[600:]]
    before = [half.update(score) for score in scores[600:1000]]
    later = make_threshold(kind, [], fixed=0.0, rate=0.01)
    later.restore(json.loads(json.dumps(half.state())))
    assert [*before, *(later.update(score) for score in scores[1000:])] == expected


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_pareto_fit_equals_that_of_scipy(shape: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    draws = stats.genpareto.rvs(shape, scale=2.0, size=800, random_state=4)
    theirs = stats.genpareto.fit(draws, floc=0)
    fitted = fit_pareto(draws)
    assert stats.genpareto.logpdf(draws, fitted[0], scale=fitted[1]).sum() == pytest.approx(
        stats.genpareto.logpdf(draws, theirs[0], scale=theirs[2]).sum(), abs=0.1
    )


@pytest.mark.parametrize(("kind", "rate", "memory"), [("other", 0.01, 100), ("rolling", 0, 100), ("dspot", 0.01, 5)])
def test_settings_have_bounds(kind: str, rate: float, memory: int) -> None:
    with pytest.raises(DataError):
        make_threshold(kind, [], fixed=1, rate=rate, memory=memory)
