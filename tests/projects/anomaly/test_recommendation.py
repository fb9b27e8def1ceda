"""Recommendation of a detector without labels, and how often it is right."""

import numpy as np
import pytest

from dlcore.data.series.series import LabeledWindow, Series
from dlcore.projects.anomaly import recommendation
from dlcore.projects.anomaly.recommendation import CANDIDATES, RULES, Evidence

STEP = 300_000


def make_series(n=600, windows=()):
    t = np.arange(n)
    values = np.sin(2 * np.pi * t / 24) + np.random.default_rng(0).normal(0, 0.1, n)
    return Series(1_600_000_000_000 + t.astype(np.int64) * STEP, values, windows)


def evidence(order, kind="synthetic"):
    """Evidence whose kind ranks the detectors in this order, and whose other kinds are equal."""
    rank = {name: 1 - place / 10 for place, name in enumerate(order)}
    equal = {"synthetic": 0.5, "agreement": 0.5, "stability": 0.5}
    return {name: Evidence(**(equal | {kind: rank[name]})) for name in CANDIDATES}


def test_injected_events_are_labeled_and_follow_the_training_part():
    values = make_series().values
    changed, labels = recommendation.inject(values, 90, seed=1)
    assert np.array_equal(changed[~labels], values[~labels]) and not labels[:90].any()
    assert (changed != values)[labels].mean() > 0.8 and 0.05 < labels.mean() < 0.5
    assert np.array_equal(recommendation.inject(values, 90, seed=1)[0], changed)


def test_evidence_reads_no_label():
    plain = recommendation.gather(make_series())
    times = make_series().times
    labeled = recommendation.gather(make_series(windows=(LabeledWindow(int(times[300]), int(times[340]), ""),)))
    assert plain == labeled and set(plain) == set(CANDIDATES)
    assert all(0 <= each.synthetic <= 1 and -1 <= each.stability <= 1 + 1e-9 for each in plain.values())
    assert plain["knn"].synthetic > 0.2


@pytest.mark.parametrize("kind", ["synthetic", "agreement", "stability"])
def test_the_rule_picks_by_its_evidence(kind):
    order = list(reversed(CANDIDATES))
    earlier = dict.fromkeys(CANDIDATES, 0.3)
    assert recommendation.recommend(evidence(order, kind), rule=kind, earlier=earlier) == order
    text = recommendation.explain(evidence(order, kind), order[0], earlier=earlier)
    assert text.count("(rank 1 of 8)") == 4  # ties share the first rank


def test_hit_rates_are_measured_on_other_series():
    worst = list(reversed(CANDIDATES))
    names = [f"series {number}" for number in range(6)]
    vus_pr = {
        name: {each: 0.9 - place / 10 for place, each in enumerate(CANDIDATES if name == names[0] else worst)}
        for name in names
    }
    results, rule = recommendation.measure({name: evidence(worst) for name in names}, vus_pr)
    rows = {result.rule: result for result in results}
    assert rows["always the default"].best == pytest.approx(1 / 6)
    assert rows["synthetic"].best == pytest.approx(5 / 6) and rows["synthetic"].gain > 0
    assert rule in RULES and rows["chosen on the others"].best == pytest.approx(5 / 6)
    assert recommendation.mean_vus_pr(vus_pr, names, names[0])[worst[0]] == pytest.approx(0.9)
