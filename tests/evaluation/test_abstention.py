import json

import numpy as np
import pytest

from dlcore.core.errors import DataError
from dlcore.evaluation import abstention, calibration
from dlcore.evaluation.abstention import AbstentionRule


def calibrated_sample(n: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 5) that are calibrated, and targets drawn from them."""
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet([0.4] * 5, n)
    return scores, np.array([generator.choice(5, p=row) for row in scores])


def test_rule_flags_its_share_of_validation_and_about_as_many_of_test():
    scores, targets = calibrated_sample(2000, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, calibrated_sample(2000, seed=1)[0])
    flagged = calibration.apply_temperature(scores, rule.temperature).max(axis=1) < rule.threshold
    assert flagged.mean() == rule.flagged_share == pytest.approx(abstention.FLAGGED_SHARE, abs=1e-3)
    assert rule.low < abstention.FLAGGED_SHARE < rule.high and rule.low < rule.false_flag_rate < rule.high
    assert rule.n == 2000 and rule.temperature == pytest.approx(1, abs=0.1)


def test_uncertain_below_the_threshold_only():
    scores, targets = calibrated_sample(500, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert rule.is_uncertain(0.2) and not rule.is_uncertain(0.99)


def test_predictions_near_one_are_never_flagged():
    scores, targets = np.tile([1 - 1e-9, 1e-9], (100, 1)), np.zeros(100, np.int64)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert rule.threshold == abstention.MAX_THRESHOLD and rule.flagged_share == rule.false_flag_rate == 0


def test_rule_round_trips_through_json():
    scores, targets = calibrated_sample(500, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert AbstentionRule.from_json(json.loads(json.dumps(rule.as_json()))) == rule


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.0}, {"threshold": 1.5}, {"n": -1}, {"low": float("nan")}, {"temperature": "1"}, {"more": 1}],
)
def test_json_out_of_bounds_is_rejected(change):
    rule = AbstentionRule(1.0, 0.4, 0.05, 0.04, 0.02, 0.06, 400)
    with pytest.raises(DataError, match="calibration"):
        AbstentionRule.from_json(rule.as_json() | change)


def test_predictions_without_validation_probabilities_give_no_rule():
    scores, targets = calibrated_sample(50, seed=0)
    stored = {"validation_scores": scores, "validation_targets": targets, "test_scores": scores}
    assert abstention.fit_from_predictions(stored, classes=5) is not None
    assert abstention.fit_from_predictions(stored, classes=6) is None
    assert abstention.fit_from_predictions({"test_scores": scores}, classes=5) is None
    assert abstention.fit_from_predictions({**stored, "validation_scores": scores * np.nan}, classes=5) is None
