"""Scores of points that arrive one by one equal those of the whole file, with the same alarms."""

import json

import numpy as np
import pytest

from dlcore import runs
from dlcore.core.errors import RequestError
from dlcore.evaluation import anomaly
from dlcore.runs.monitor.detector import StreamDetector
from dlcore.runs.monitor.monitor import ThresholdSettings, make_detector

STEP_MS = 30 * 60_000
POINTS = 700
START = int(np.datetime64("2021-03-01T00:00", "ms").astype(np.int64))


def make_series(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and values (700,) of one of five kinds of series."""
    rng, at = np.random.default_rng(len(kind)), np.arange(POINTS)
    daily = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
    values = {
        "daily": daily + rng.normal(0, 500, POINTS),
        "drifting": daily + 10 * at + rng.normal(0, 500, POINTS),
        "shifted": daily + np.where(at > 400, 9_000, 0) + rng.normal(0, 500, POINTS),
        "bursts": rng.poisson(12_000, POINTS) + np.where(rng.random(POINTS) < 0.02, 25_000, 0.0),
        "constant": np.full(POINTS, 14_000.0) + np.where(at == 500, 9_000, 0),
    }[kind]
    return START + at * STEP_MS, np.round(values, 3)


KINDS = ("daily", "drifting", "shifted", "bursts", "constant")


@pytest.fixture(scope="session")
def trained(bundle: runs.Bundle) -> runs.Run:
    return runs.Run("reference:anomaly/tiny", bundle.folder)


def open_detector(model: str, trained: runs.Run, **options: object) -> StreamDetector:
    run = trained if model == "trained" else runs.open_run(f"reference:anomaly/{model}")
    return make_detector(run, "series", STEP_MS, **options)  # type: ignore[arg-type]


def score_file(detector: StreamDetector, times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Scores of the whole series as a file."""
    rows = [f"{np.datetime64(int(time), 'ms')},{float(value)!r}" for time, value in zip(times, values, strict=True)]
    payload = "\n".join(["timestamp,value", *rows]).encode()
    return np.array(detector.project.answer(detector.loaded, payload)["errors"])


@pytest.mark.parametrize("model", ["trained", "conv", "neighbors", "patch"])
@pytest.mark.parametrize("kind", KINDS)
def test_stream_equals_file(model: str, kind: str, trained: runs.Run) -> None:
    times, values = make_series(kind)
    detector = open_detector(model, trained)
    expected = score_file(detector, times, values)
    limit = float(np.quantile(expected, 0.97))
    detector.threshold.value = limit  # type: ignore[attr-defined]
    rng, place, scores, is_alarm, starts = np.random.default_rng(0), 0, [], [], []
    while place < POINTS:
        size = 1 if place < 80 else int(rng.integers(1, 90))
        points = detector.push(times[place : place + size], values[place : place + size])
        scores.append(points.scores)
        is_alarm.append(points.is_alarm)
        starts += [alarm.start for alarm in points.alarms]
        place += size
        if 200 < place < 320:  # another process continues
            state = json.loads(json.dumps(detector.state()))
            detector = open_detector(model, trained)
            detector.restore(state)
    np.testing.assert_allclose(np.concatenate(scores), expected, rtol=1e-6, atol=1e-15)
    assert np.array_equal(np.concatenate(is_alarm), expected > limit)
    ranges = anomaly.alarm_ranges(expected > limit, gap=detector.source.gap)
    assert starts == times[ranges[:, 0]].tolist()
    assert len(starts) >= 1


def test_late_repeated_and_missing_points(trained: runs.Run) -> None:
    times, values = make_series("daily")
    whole = open_detector("conv", trained)
    expected = whole.push(times[:300], values[:300]).scores
    broken = open_detector("conv", trained)
    scores = [broken.push(times[:100], values[:100]).scores]
    assert len(broken.push(times[40:100], values[40:100]).scores) == 0  # sent again
    gaps = values[98:300].copy()
    gaps[:2] = -1  # late
    scores.append(broken.push(times[98:300], gaps).scores)
    np.testing.assert_array_equal(np.concatenate(scores), expected)
    assert broken.counts["late"] == 62
    with_nan = values[300:320].copy()
    with_nan[5:7] = np.nan
    points = broken.push(times[300:320], with_nan)
    assert len(points.times) == 20 and broken.counts["missing"] == 2 and broken.counts["filled"] == 2
    assert points.values[5] == points.values[6] == values[304]
    assert np.array_equal(np.diff(points.times), np.full(19, STEP_MS))


def test_window_restarts_after_a_long_gap(trained: runs.Run) -> None:
    times, values = make_series("daily")
    detector = open_detector("conv", trained)
    detector.push(times[:100], values[:100])
    points = detector.push(times[150:300], values[150:300])
    assert detector.counts["restarted"] == 1
    assert np.flatnonzero(points.scores)[0] == detector.scorer.length - 1
    alone = open_detector("conv", trained).push(times[150:300], values[150:300])
    np.testing.assert_array_equal(points.scores, alone.scores)
    assert np.isinf(points.thresholds[: detector.scorer.length - 1]).all()


def test_alarm_has_a_stable_id_and_says_why(trained: runs.Run) -> None:
    times, values = make_series("daily")
    values[300:303] = 45_000
    first, second = (open_detector("conv", trained) for _ in range(2))
    alarms = first.push(times, values).alarms
    again = [alarm for at in range(POINTS) for alarm in second.push(times[at : at + 1], values[at : at + 1]).alarms]
    assert [alarm.id for alarm in alarms] == [alarm.id for alarm in again]
    alarm = next(alarm for alarm in alarms if times[300] <= alarm.start <= times[305])
    assert alarm.part_start <= times[302] and alarm.part_end >= times[300]
    assert alarm.reason.startswith("Score ") and "is expected" in alarm.reason
    assert len({alarm.id for alarm in alarms}) == len(alarms)


@pytest.mark.parametrize("kind", ["rolling", "conformal", "dspot"])
def test_adaptive_threshold_continues_from_its_state(kind: str, trained: runs.Run) -> None:
    times, values = make_series("daily")
    options = ThresholdSettings(kind, 0.01, 400)
    whole, half, later = (open_detector("trained", trained, threshold=options) for _ in range(3))
    expected = whole.push(times, values)
    before = half.push(times[:350], values[:350])
    later.restore(json.loads(json.dumps(half.state())))
    after = later.push(times[350:], values[350:])
    np.testing.assert_allclose(np.r_[before.thresholds, after.thresholds], expected.thresholds, rtol=1e-9)
    assert np.isfinite(expected.thresholds).mean() > 0.5


def test_other_projects_raise_no_alarms() -> None:
    with pytest.raises(RequestError, match="raises no alarms"):
        make_detector(runs.open_run("reference:forecast/lstm"), "series", STEP_MS)
