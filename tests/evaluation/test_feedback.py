"""Feedback proposes a threshold between false alarms and events, and changes nothing else."""

import numpy as np
import pytest

from dlcore.core.errors import RequestError
from dlcore.evaluation.feedback import propose, propose_threshold, removed


def ratios(**peaks: float) -> np.ndarray:
    values = np.full(400, 0.3)
    for name, peak in peaks.items():
        values[int(name[1:])] = peak
    return values


FALSE, EVENT = (100, 101), (300, 301)


def test_false_alarm_is_silenced_just_above_its_score() -> None:
    effect = propose(ratios(p100=1.2, p300=3.0), false=[FALSE], confirmed=[EVENT], gap=10)
    assert effect.factor == pytest.approx(1.26)
    assert (len(effect.before), len(effect.after), effect.unresolved) == (2, 1, 0)
    assert removed(effect).tolist() == [[100, 101]]
    assert effect.describe() == "Threshold +26.0 %; alarms 2 before, 1 after."


def test_threshold_stays_below_a_near_event() -> None:
    effect = propose(ratios(p100=1.2, p300=1.21), false=[FALSE], confirmed=[EVENT], gap=10)
    assert 1.2 < effect.factor < 1.21


def test_event_below_a_false_alarm_is_kept() -> None:
    effect = propose(ratios(p100=2.0, p200=1.1, p300=1.5), false=[FALSE, (200, 201)], confirmed=[EVENT], gap=10)
    assert 1.1 < effect.factor < 1.5
    assert effect.unresolved == 1 and "1 false alarm remain" in effect.describe()


def test_missed_event_lowers_the_threshold() -> None:
    effect = propose(ratios(p300=0.8), missed=[EVENT], gap=10)
    assert 0.7 < effect.factor < 0.8 and len(effect.before) == 0 and len(effect.after) == 1


def test_event_with_an_ordinary_score_stays_missed() -> None:
    effect = propose(ratios(p100=1.5), missed=[EVENT], gap=10)
    assert (effect.factor, effect.undetected) == (1.0, 1) and "Missed events left: 1" in effect.describe()


def test_unmarked_alarms_do_not_lower_it() -> None:
    effect = propose(ratios(p100=1.5, p300=1.2), false=[FALSE], confirmed=[(300, 301)], factor=1.0, gap=10)
    assert effect.factor >= 1.0


def test_earlier_factor_is_the_start() -> None:
    effect = propose(ratios(p100=1.2, p300=3.0), false=[FALSE], factor=2.0, gap=10)
    assert effect.factor == 2.0 and effect.describe().startswith("Threshold unchanged")


def test_points_without_a_score_are_refused() -> None:
    with pytest.raises(RequestError, match="no score"):
        propose(np.zeros(50), false=[(3, 4)], gap=5)
    with pytest.raises(RequestError, match="mark at least one"):
        propose(ratios(), gap=5)


def test_one_threshold_rises_above_false_alarms_and_stays_below_events() -> None:
    scores = 2 * ratios(p100=1.5, p300=2.5, p350=0.8)
    effect = propose_threshold(scores, 2.0, false=[100], events=[(290, 310)], gap=20)
    assert effect.factor == pytest.approx(1.5 * 1.05) and len(effect.before) == 2 and len(effect.after) == 1
    missed = propose_threshold(scores, 2.0, false=[], events=[(345, 355), (290, 310)], gap=20)
    assert missed.factor == pytest.approx(0.8 * 0.999) and len(missed.after) == 3
    with pytest.raises(RequestError, match="mark at least one"):
        propose_threshold(scores, 2.0, false=[5], events=[(290, 310)], gap=20)
