"""A sweep of thresholds counts as a scorecard does, and excused days take their alarms along."""

import numpy as np
import pytest

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


def test_a_sweep_tells_exactly_how_far_the_threshold_may_move() -> None:
    targets = np.zeros(600, int)
    targets[300:310] = 1
    scores = np.full(600, 1.0)
    scores[305], scores[500] = 24.4, 15.0

    def sweep(threshold: float) -> sensitivity.ThresholdSweep:
        return sensitivity.threshold_sweep(
            scores,
            targets,
            threshold=threshold,
            factors=np.geomspace(0.5, 2.0, 13),
            counted_from=100,
            step_hours=1.0,
        )

    assert sweep(20.0).event_lost == pytest.approx(1.22, abs=1e-6)  # 24.4, not the next point of the grid
    assert sweep(20.0).alarm_gained == pytest.approx(0.75, abs=1e-6)
    assert np.isnan(sweep(10.0).event_lost) and np.isnan(sweep(10.0).alarm_gained)


def test_an_excused_day_takes_its_whole_alarm_along() -> None:
    targets, called = np.zeros(200, int), np.zeros(200, bool)
    targets[100:110] = 1
    called[[20, 30, 60, 105]] = True  # 20 and 30 lie less than a day of 24 points apart: one alarm
    remove_false_alarms = sensitivity.remove_false_alarms(called, targets, np.array([[28, 40]]), step_hours=1.0)
    assert np.flatnonzero(remove_false_alarms).tolist() == [60, 105]
    assert sensitivity.remove_false_alarms(called, targets, np.zeros((0, 2), int), step_hours=1.0).sum() == 4
