"""A sweep of thresholds counts as a scorecard does, and excused days take their alarms along."""

import numpy as np

from dlcore.evaluation import anomaly, sensitivity


def labeled_series() -> tuple[np.ndarray, np.ndarray]:
    """Ten weeks of hours with three labeled days that stand out by some."""
    targets = np.zeros(10 * 168, int)
    for start in (1000, 1250, 1500):
        targets[start : start + 48] = 1
    return np.random.default_rng(0).gamma(2.0, size=len(targets)) + 2.0 * targets, targets


def test_a_sweep_is_a_scorecard_at_each_factor() -> None:
    scores, targets = labeled_series()
    factors = np.array([0.5, 1.0, 2.0])
    threshold_sweep = sensitivity.threshold_sweep(
        scores, targets, threshold=6.0, factors=factors, counted_from=600, step_hours=1.0
    )
    for place, factor in enumerate(factors):
        card = anomaly.scorecard(
            scores, targets, threshold=6.0 * factor, counted_from=600, test_from=800, step_hours=1.0
        )
        assert threshold_sweep.nab[place] == card["nab_standard"]
        assert (threshold_sweep.events_hit[place], threshold_sweep.false_alarms[place]) == (
            card["events_hit"],
            card["false_alarms"],
        )
    bare = sensitivity.threshold_sweep(
        scores, 0 * targets, threshold=6.0, factors=factors, counted_from=600, step_hours=1.0
    )
    assert np.isnan(bare.nab).all()


def test_a_sweep_tells_how_far_the_threshold_may_move() -> None:
    threshold_sweep = sensitivity.ThresholdSweep(
        factors=np.array([0.5, 0.8, 1.0, 1.25, 2.0]),
        nab=np.zeros(5),
        events_hit=np.array([5, 5, 5, 4, 2]),
        false_alarms=np.array([9, 1, 1, 0, 0]),
    )
    assert (threshold_sweep.event_lost, threshold_sweep.alarm_gained) == (1.25, 0.5)
    steady = sensitivity.ThresholdSweep(
        threshold_sweep.factors, threshold_sweep.nab, 0 * threshold_sweep.events_hit, 0 * threshold_sweep.false_alarms
    )
    assert np.isnan(steady.event_lost) and np.isnan(steady.alarm_gained)


def test_an_excused_day_takes_its_whole_alarm_along() -> None:
    targets, called = np.zeros(200, int), np.zeros(200, bool)
    targets[100:110] = 1
    called[[20, 30, 60, 105]] = True  # 20 and 30 lie less than a day of 24 points apart: one alarm
    remove_false_alarms = sensitivity.remove_false_alarms(called, targets, np.array([[28, 40]]), step_hours=1.0)
    assert np.flatnonzero(remove_false_alarms).tolist() == [60, 105]
    assert sensitivity.remove_false_alarms(called, targets, np.zeros((0, 2), int), step_hours=1.0).sum() == 4
