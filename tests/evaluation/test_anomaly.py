"""Thresholds see no label and no test error; counts agree with scikit-learn; events are counted as documented."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from dlcore.core.errors import DataError
from dlcore.evaluation import anomaly


def predictions(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {}
    for split in ("train", "validation", "test"):
        values[f"{split}_scores"] = rng.gamma(2.0, size=200)
        values[f"{split}_targets"] = rng.integers(0, 2, size=200)
        values[f"{split}_ids"] = np.arange(200)
    return values


@pytest.mark.parametrize("rule", anomaly.RULES)
def test_a_planted_leak_moves_no_threshold(rule: anomaly.Rule) -> None:
    """Test errors and every label may become anything: the threshold must stay where it was."""
    honest, leaked = predictions(), predictions()
    leaked["test_scores"] = leaked["test_scores"] * 1000
    for split in ("train", "validation", "test"):
        leaked[f"{split}_targets"] = 1 - leaked[f"{split}_targets"]
    for split in ("train", "validation"):
        assert anomaly.threshold(honest, rule, split=split) == anomaly.threshold(leaked, rule, split=split)


def test_a_threshold_from_the_test_split_is_rejected() -> None:
    with pytest.raises(DataError, match="not from 'test'"):
        anomaly.threshold(predictions(), split="test")
    with pytest.raises(DataError, match="train it again"):
        anomaly.threshold({"validation_scores": np.ones(3)}, split="train")
    with pytest.raises(DataError, match="unknown threshold rule"):
        anomaly.threshold_of(np.ones(3), "median")  # type: ignore[arg-type]


def test_rules_match_manual_values() -> None:
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
    metrics = anomaly.metrics(errors, targets, threshold=threshold)
    expected = {
        "accuracy": reference.accuracy_score(targets, called),
        "precision": reference.precision_score(targets, called, zero_division=0),
        "recall": reference.recall_score(targets, called, zero_division=0),
        "f1": reference.f1_score(targets, called, zero_division=0),
        "roc_auc": reference.roc_auc_score(targets, errors),
        "auc_pr": reference.average_precision_score(targets, errors),
    }
    assert {name: metrics[name] for name in expected} == pytest.approx(expected)
    np.testing.assert_array_equal(
        anomaly.counts(errors, targets, threshold=threshold).matrix, reference.confusion_matrix(targets, called)
    )


def test_events_are_counted_as_documented() -> None:
    targets = np.zeros(100, int)
    targets[20:30] = targets[60:70] = 1
    called = np.zeros(100, bool)
    called[[25, 5, 6, 9, 40, 95]] = True  # one hit; 5, 6 and 9 lie within a gap of 5; 40 and 95 stand alone
    events = anomaly.events(called, targets, gap=5)
    np.testing.assert_array_equal(events.hit, [True, False])
    np.testing.assert_array_equal(events.windows, [[20, 30], [60, 70]])
    np.testing.assert_array_equal(events.false_alarms, [[5, 10], [40, 41], [95, 96]])
    np.testing.assert_array_equal(events.delay, [5, -1])
    assert len(anomaly.events(called, targets, gap=1).false_alarms) == 4


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 20))
def test_false_alarms_cover_every_alarm_outside_and_lie_apart(called: list[bool], gap: int) -> None:
    mask = np.array(called, dtype=bool)
    false_alarms = anomaly.events(mask, np.zeros(len(mask), int), gap=gap).false_alarms
    covered = np.zeros(len(mask), bool)
    for start, stop in false_alarms:
        assert mask[start] and mask[stop - 1]
        covered[start:stop] = True
    assert (covered[mask]).all()
    assert (false_alarms[1:, 0] - false_alarms[:-1, 1] >= gap).all()


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
    metrics = anomaly.metrics(errors, targets, threshold=3.0, draws=200)
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc", "auc_pr"):
        assert metrics[f"{name}_low"] < metrics[name] < metrics[f"{name}_high"]


def test_without_labels_there_is_no_recall_but_there_are_alarms() -> None:
    metrics = anomaly.metrics(np.array([0.0, 5.0, 0.0]), np.zeros(3, int), threshold=1.0, draws=50)
    assert metrics == {"false_alarms": 1}


def test_an_alarm_that_outlasts_its_window_is_no_second_one() -> None:
    targets = np.zeros(100, int)
    targets[20:30] = 1
    called = np.zeros(100, bool)
    called[25:34] = True
    assert len(anomaly.events(called, targets, gap=10).false_alarms) == 0
    called[35] = True  # after a pause: a new alarm
    np.testing.assert_array_equal(anomaly.events(called, targets, gap=10).false_alarms, [[35, 36]])
    called[:] = True  # an alarm that never ends is a false one before the window and long after it
    np.testing.assert_array_equal(anomaly.events(called, targets, gap=10).false_alarms, [[0, 20], [40, 100]])


def test_an_alarm_that_is_almost_always_on_detects_nothing() -> None:
    targets = np.zeros(1000, int)
    targets[600:650] = 1
    called = np.random.default_rng(0).random(1000) < 0.98
    assert called[600:650].any() and not anomaly.events(called, targets, gap=50).hit.any()
    scorecard = anomaly.scorecard(
        called.astype(float), targets, threshold=0.5, counted_from=200, test_from=400, step_hours=1 / 3600
    )
    assert scorecard["events_hit"] == 0 and scorecard["alarm_share"] > 0.95 and "delay_h" not in scorecard
    called[:500] = False  # long, but not most of the time: detected, and the share is reported
    assert anomaly.events(called, targets, gap=50).hit.all()


@pytest.mark.parametrize(
    ("step_hours", "points", "expected"),
    [(0.5, 5000, 48), (1.0, 1000, 24), (1 / 3600, 1000, 100), (1 / 60, 1000, 100), (1 / 60, 50_000, 1440), (24, 9, 1)],
)
def test_a_pause_of_a_day_or_a_tenth_of_a_short_series_separates_alarms(step_hours, points, expected) -> None:
    assert anomaly.event_gap(step_hours, points) == expected


def labeled_series(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten weeks of hours with three labeled days with higher scores."""
    rng = np.random.default_rng(seed)
    targets = np.zeros(10 * 168, int)
    for start in (1000, 1250, 1500):
        targets[start : start + 48] = 1
    return rng.gamma(2.0, size=len(targets)) + 2.0 * targets, targets


CARD = {"counted_from": 600, "test_from": 800, "step_hours": 1.0}
EVENT_NAMES = {
    "nab_standard",
    "nab_low_fp",
    "nab_low_fn",
    "events_hit",
    "false_alarms",
    "false_alarms_plausible",
    "delay_h",
    "range_precision",
    "range_recall",
    "range_f1",
    "vus_pr",
    "threshold",
}
POINT_NAMES = {"accuracy", "precision", "recall", "f1", "roc_auc", "auc_pr"}


def test_a_scorecard_names_everything() -> None:
    scores, targets = labeled_series()
    scorecard = anomaly.scorecard(scores, targets, threshold=6.0, **CARD, draws=100)
    ends = {f"{name}_{end}" for name in POINT_NAMES for end in ("low", "high")}
    assert set(scorecard) == EVENT_NAMES | POINT_NAMES | ends
    points = anomaly.metrics(scores[800:], targets[800:], threshold=6.0, gap=24, block=168, draws=100)
    assert {name: scorecard[name] for name in POINT_NAMES | ends} == {name: points[name] for name in POINT_NAMES | ends}


def test_intervals_of_evenly_spaced_points_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, targets = labeled_series()
    full = anomaly.metrics(scores, targets, threshold=4.0, gap=24, block=168, draws=300)
    monkeypatch.setattr(anomaly, "MOST_RESAMPLED", len(scores) // 3)
    thinned = anomaly.metrics(scores, targets, threshold=4.0, gap=24, block=168, draws=300)
    for name in POINT_NAMES:
        assert thinned[name] == full[name]
        assert thinned[f"{name}_low"] <= full[name] <= thinned[f"{name}_high"]
        assert thinned[f"{name}_low"] == pytest.approx(full[f"{name}_low"], abs=0.15)


def test_a_scorecards_oracle_and_silence() -> None:
    _, targets = labeled_series()
    oracle = anomaly.scorecard(targets.astype(float), targets, threshold=0.5, **CARD)
    assert oracle["nab_standard"] == pytest.approx(100)
    assert (oracle["events_hit"], oracle["false_alarms"], oracle["delay_h"]) == (3, 0, 0)
    assert oracle["range_f1"] == oracle["auc_pr"] == 1
    silence = anomaly.scorecard(targets.astype(float), targets, threshold=2.0, **CARD)
    assert silence["nab_standard"] == silence["events_hit"] == silence["range_recall"] == 0
    assert "delay_h" not in silence


def test_delay_and_plausible_alarms_match_manual_values() -> None:
    scores, targets = np.zeros(1680), labeled_series()[1]
    scores[[1006, 1252]] = 5.0  # six and two hours into two windows
    scores[[100, 700, 900]] = 5.0  # before counting begins, on a holiday, on an ordinary day
    scorecard = anomaly.scorecard(scores, targets, threshold=1.0, **CARD, plausible=np.array([[90, 110], [690, 714]]))
    assert (scorecard["events_hit"], scorecard["delay_h"]) == (2, 4.0)
    assert (scorecard["false_alarms"], scorecard["false_alarms_plausible"]) == (2, 1)
    assert anomaly.scorecard(scores, targets, threshold=1.0, **CARD)["false_alarms_plausible"] == 0


def test_a_scorecard_without_labels_counts_alarms() -> None:
    scores, targets = labeled_series()
    scorecard = anomaly.scorecard(scores, np.zeros_like(targets), threshold=8.0, **CARD, draws=20)
    assert set(scorecard) == {"alarms", "threshold"} and scorecard["alarms"] > 0
    assert not {"events_hit", "false_alarms", "nab_standard", "vus_pr", "recall", "delay_h", "range_recall"} & set(
        scorecard
    )
    with pytest.raises(DataError, match="points to count"):
        anomaly.scorecard(scores, targets, threshold=1.0, counted_from=len(scores), test_from=0, step_hours=1.0)


def test_no_label_can_reach_a_threshold() -> None:
    """Who is handed labels gives no threshold back, and who gives a threshold is handed no labels."""
    assert "targets" not in inspect.signature(anomaly.threshold_of).parameters
    takes_labels = [
        function
        for _, function in inspect.getmembers(anomaly, inspect.isfunction)
        if function.__module__ == anomaly.__name__ and "targets" in inspect.signature(function).parameters
    ]
    assert {function.__name__ for function in takes_labels} >= {"scorecard", "metrics", "point_adjusted_f1"}
    assert not [function.__name__ for function in takes_labels if "threshold" in function.__name__]
    scores, targets = labeled_series()
    for labels in (targets, 0 * targets, 1 - targets):
        assert anomaly.scorecard(scores, labels, threshold=6.0, **CARD)["threshold"] == 6.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_point_adjusted_f1_equals_the_slow_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, targets = np.round(rng.random(60), 1), (np.arange(60) // 12 % 2).astype(int)
    best = 0.0
    for threshold in np.unique(scores):
        called = scores >= threshold
        for start, stop in anomaly.true_ranges(targets.astype(bool)):
            called[start:stop] = called[start:stop].any()
        best = max(best, reference.f1_score(targets, called))
    assert anomaly.point_adjusted_f1(scores, targets) == pytest.approx(best)


def test_point_adjusted_f1_praises_a_random_score() -> None:
    """Why it is no metric here: five windows of 207 points, and chance alone gets more than 0.9."""
    targets = np.zeros(10_320, int)
    for start in (5839, 7080, 8423, 8731, 9977):
        targets[start : start + 207] = 1
    point_adjusted_f1s = [
        anomaly.point_adjusted_f1(np.random.default_rng(seed).random(10_320), targets) for seed in range(5)
    ]
    assert min(point_adjusted_f1s) > 0.85
    assert np.mean(point_adjusted_f1s) > 0.92
    assert np.isnan(anomaly.point_adjusted_f1(np.ones(3), np.zeros(3)))
