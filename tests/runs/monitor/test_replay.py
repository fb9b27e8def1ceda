"""A replay in memory: same scores as the file, feedback on its alarms."""

import numpy as np
import pytest

from dlcore import runs
from dlcore.data.series.series import Series
from dlcore.runs.monitor.monitor import make_detector
from dlcore.runs.monitor.replay import MissedCandidate, ReplaySession, start_replay

STEP_MS = 30 * 60_000
RUN = "reference:anomaly/conv"


@pytest.fixture
def session() -> ReplaySession:
    at = np.arange(500)
    values = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
    for place, value in {100: 400_000, 250: 90_000, 300: 300_000, 400: 60_000}.items():
        values[place] = value
    series = Series(1_600_000_000_000 + at * STEP_MS, values)
    detector = make_detector(runs.open_run(RUN), "series", STEP_MS, gap=20)
    started = start_replay(detector, series, name="series", speed=0)
    started.advance()
    return started


def test_all_points_are_scored(session: ReplaySession) -> None:
    assert session.is_over and len(session.array("times")) == 500
    whole = make_detector(runs.open_run(RUN), "series", STEP_MS, gap=20)
    expected = whole.push(session.replay.series.times, session.replay.series.values)
    np.testing.assert_array_equal(session.array("scores"), expected.scores)
    assert [alarm.id for alarm in session.alarms] == [alarm.id for alarm in expected.alarms]


def test_feedback_changes_nothing_before_it_is_applied(session: ReplaySession) -> None:
    alarms = list(session.alarms)
    lowest = min(alarms, key=lambda alarm: alarm.score)
    session.marks = {lowest.id: "false"} | {alarm.id: "confirmed" for alarm in alarms if alarm is not lowest}
    effect = session.effect()
    assert effect is not None and effect.factor > 1 and len(effect.after) == len(effect.before) - 1
    assert session.detector.factor == 1 and session.alarms == alarms
    session.apply()
    assert session.detector.factor == effect.factor
    assert session.alarms == [alarm for alarm in alarms if alarm is not lowest] and not session.marks


def test_missed_event_is_a_peak_without_alarm(session: ReplaySession) -> None:
    session.detector.factor = 1e6
    session.alarms.clear()
    peak = session.candidates()[0]
    assert peak.ratio < 1 and peak.time >= session.replay.series.times[100]
    session.marks = {str(peak.time): "missed"}
    effect = session.effect()
    assert effect is not None and effect.factor < 1e6 and len(effect.after) >= 1


def test_a_click_finds_the_alarm_or_the_highest_score_around_it(session: ReplaySession) -> None:
    step, alarm = STEP_MS, session.alarms[-1]
    assert session.pick(alarm.start - step) is alarm
    assert session.pick(session.alarms[0].start) is session.alarms[0]
    quiet = int(session.array("times")[350])
    peak = session.pick(quiet)
    ratios = session.ratios[340:361]
    assert (
        isinstance(peak, MissedCandidate)
        and peak.ratio == pytest.approx(ratios.max())
        and abs(peak.time - quiet) <= 10 * step
    )
    assert session.pick(0) is None
    session.marks = {str(peak.time): "missed"}
    effect = session.effect()
    assert effect is not None and (effect.factor < 1 or effect.undetected == 1)
