"""Thresholds see no label and no test error; counts agree with scikit-learn; events are counted as said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from dlcore.core.errors import DataError
from dlcore.evaluation import anomaly


def predictions(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for split in ("train", "validation", "test"):
        found[f"{split}_scores"] = rng.gamma(2.0, size=200)
        found[f"{split}_targets"] = rng.integers(0, 2, size=200)
        found[f"{split}_ids"] = np.arange(200)
    return found


@pytest.mark.parametrize("rule", anomaly.RULES)
def test_a_planted_leak_moves_no_threshold(rule: anomaly.Rule) -> None:
    """Test errors and every label may become anything: the threshold must stay where it was."""
    honest, leaked = predictions(), predictions()
    leaked["test_scores"] = leaked["test_scores"] * 1000
    for split in ("train", "validation", "test"):
        leaked[f"{split}_targets"] = 1 - leaked[f"{split}_targets"]
    for split in ("train", "validation"):
        assert anomaly.threshold(honest, rule, split=split) == anomaly.threshold(leaked, rule, split=split)


def test_a_threshold_from_the_test_split_is_refused() -> None:
    with pytest.raises(DataError, match="not from 'test'"):
        anomaly.threshold(predictions(), split="test")
    with pytest.raises(DataError, match="train it again"):
        anomaly.threshold({"validation_scores": np.ones(3)}, split="train")
    with pytest.raises(DataError, match="unknown rule"):
        anomaly.threshold_of(np.ones(3), "median")  # type: ignore[arg-type]


def test_rules_by_hand() -> None:
    errors = np.arange(1001.0)
    assert anomaly.threshold_of(errors, "quantile", quantile=0.9) == 900.0
    assert anomaly.threshold_of(errors, "maximum") == 1000.0
    assert anomaly.threshold_of(errors, "mean_std", k=2.0) == pytest.approx(500 + 2 * errors.std())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 6.0))
def test_pointwise_metrics_equal_scikit_learns(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    errors, targets = rng.gamma(2.0, size=150), rng.integers(0, 2, size=150)
    targets[:2] = [0, 1]
    called = errors > threshold
    found = anomaly.metrics(errors, targets, threshold=threshold)
    expected = {
        "accuracy": reference.accuracy_score(targets, called),
        "precision": reference.precision_score(targets, called, zero_division=0),
        "recall": reference.recall_score(targets, called, zero_division=0),
        "f1": reference.f1_score(targets, called, zero_division=0),
        "roc_auc": reference.roc_auc_score(targets, errors),
        "auc_pr": reference.average_precision_score(targets, errors),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    np.testing.assert_array_equal(
        anomaly.counts(errors, targets, threshold=threshold).matrix, reference.confusion_matrix(targets, called)
    )


def test_events_are_counted_as_said() -> None:
    targets = np.zeros(100, int)
    targets[20:30] = targets[60:70] = 1
    called = np.zeros(100, bool)
    called[[25, 5, 6, 9, 40, 95]] = True  # one hit; 5, 6 and 9 lie within a gap of 5; 40 and 95 stand alone
    found = anomaly.events(called, targets, gap=5)
    np.testing.assert_array_equal(found.hit, [True, False])
    np.testing.assert_array_equal(found.windows, [[20, 30], [60, 70]])
    np.testing.assert_array_equal(found.false_alarms, [[5, 10], [40, 41], [95, 96]])
    assert len(anomaly.events(called, targets, gap=1).false_alarms) == 4


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_false_alarms_cover_every_alarm_outside_and_lie_apart(called: list[bool], gap: int) -> None:
    mask = np.array(called, dtype=bool)
    found = anomaly.events(mask, np.zeros(len(mask), int), gap=gap).false_alarms
    covered = np.zeros(len(mask), bool)
    for start, stop in found:
        assert mask[start] and mask[stop - 1]
        covered[start:stop] = True
    assert (covered[mask]).all()
    assert (found[1:, 0] - found[:-1, 1] >= gap).all()


def test_an_oracle_hits_everything_and_silence_nothing() -> None:
    targets = np.zeros(2000, int)
    targets[500:700] = targets[1500:1700] = 1
    oracle = anomaly.metrics(targets.astype(float), targets, threshold=0.5)
    assert oracle["f1"] == oracle["auc_pr"] == 1.0
    assert (oracle["events_hit"], oracle["false_alarms"]) == (2, 0)
    silence = anomaly.metrics(targets.astype(float), targets, threshold=2.0)
    assert (silence["f1"], silence["events_hit"], silence["false_alarms"]) == (0, 0, 0)


def test_intervals_hold_the_value() -> None:
    rng = np.random.default_rng(3)
    targets = (np.arange(4000) // 200 % 5 == 0).astype(int)
    errors = rng.gamma(2.0, size=4000) + targets
    found = anomaly.metrics(errors, targets, threshold=3.0, draws=200)
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc", "auc_pr"):
        assert found[f"{name}_low"] < found[name] < found[f"{name}_high"]


def test_without_labels_there_is_no_recall_but_there_are_alarms() -> None:
    found = anomaly.metrics(np.array([0.0, 5.0, 0.0]), np.zeros(3, int), threshold=1.0, draws=50)
    assert "recall" not in found and "roc_auc" not in found
    assert found["false_alarms"] == 1
