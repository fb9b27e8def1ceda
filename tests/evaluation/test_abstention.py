import dataclasses
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
    assert rule.reasons(0.2) == ("probability",) and not rule.reasons(0.99)


def test_limits_of_all_measures_together_flag_the_share_of_validation():
    scores, targets = calibrated_sample(4000, seed=0)
    test_scores = calibrated_sample(4000, seed=1)[0]
    draw = np.random.default_rng(0).normal
    measures = {name: (draw(size=4000), draw(size=4000)) for name in ("topic", "distance")}
    rule = abstention.fit_abstention_rule(scores, targets, test_scores, measures=measures, limits={"topic": 2.5})
    assert rule.limits["topic"] == 2.5 and rule.flagged_share == pytest.approx(abstention.FLAGGED_SHARE, abs=1e-3)
    alone = abstention.fit_abstention_rule(scores, targets, test_scores)
    assert rule.threshold < alone.threshold  # the other measures use a part of the share
    share = (measures["distance"][0] > rule.limits["distance"]).mean()
    confidence = calibration.apply_temperature(scores, rule.temperature).max(axis=1)
    assert share == pytest.approx((confidence < rule.threshold).mean(), abs=1e-3) and 0.01 < share < 0.04
    assert rule.low < abstention.FLAGGED_SHARE < rule.high
    codes = abstention.encode_reasons(rule, test_scores, {name: values[1] for name, values in measures.items()})
    assert (codes > 0).mean() == rule.false_flag_rate
    each = [{name: values[1][row] for name, values in measures.items()} for row in range(50)]
    highest = calibration.apply_temperature(test_scores[:50], rule.temperature).max(axis=1)
    for row in range(50):
        assert abstention.decode_reasons(int(codes[row])) == rule.reasons(highest[row], each[row])


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (("language", "topic"), "perhaps in another language: possibly none of the 4 classes."),
        (("distance",), "Unlike the training texts: possibly none of the 4 classes."),
        (("probability",), "Low confidence: possibly none of the 4 classes."),
    ],
)
def test_the_most_telling_reason_is_named(reasons, words):
    assert abstention.describe_reasons(reasons, classes=4, text=True).endswith(words)


def test_predictions_near_one_are_never_flagged():
    scores, targets = np.tile([1 - 1e-9, 1e-9], (100, 1)), np.zeros(100, np.int64)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert rule.threshold == abstention.MAX_THRESHOLD and rule.flagged_share == rule.false_flag_rate == 0


def test_rule_round_trips_through_json():
    scores, targets = calibrated_sample(500, seed=0)
    rule = abstention.fit_abstention_rule(scores, targets, scores)
    assert AbstentionRule.from_json(json.loads(json.dumps(rule.as_json()))) == rule
    outside = (abstention.OutsideRate("dogs", 76, 80),)
    rule = dataclasses.replace(rule, limits={"distance": 0.25}, outside=outside)
    assert AbstentionRule.from_json(json.loads(json.dumps(rule.as_json()))) == rule
    before = {name: value for name, value in rule.as_json().items() if name not in ("limits", "outside")}
    assert AbstentionRule.from_json(before) == dataclasses.replace(rule, limits={}, outside=())  # older bundles


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.0},
        {"threshold": 1.5},
        {"n": -1},
        {"low": float("nan")},
        {"temperature": "1"},
        {"more": 1},
        {"limits": {"distance": float("nan")}},
        {"limits": {"mood": 1.0}},
        {"limits": [1]},
        {"outside": [{"what": "dogs", "flagged": 9, "n": 8}]},
        {"outside": [{"n": 8}]},
        {"outside": {}},
    ],
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
