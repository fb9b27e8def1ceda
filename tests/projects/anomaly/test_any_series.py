"""The default detector on series of every kind: it finds the obvious event, and does not flood."""

import io

import numpy as np
import pandas as pd
import pytest

import dlcore
from dlcore import projects, runs
from dlcore.data.custom import registry
from dlcore.projects.anomaly import custom_series

pytestmark = pytest.mark.usefixtures("home")
N, AT = 1500, 1200
"""Points of a series, and the first one of its event."""
STEP = np.arange(N)


def _noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, N)


def _counts() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.poisson(0.3, N) + np.where(rng.random(N) < 0.01, rng.poisson(20, N), 0)
    return values + np.where((STEP >= AT) & (STEP < AT + 40), rng.poisson(20, N), 0)


def _event(values: np.ndarray, change: float, *, points: int = 20) -> np.ndarray:
    return values + np.where((STEP >= AT) & (AT + points > STEP), change, 0.0)


def _shift(values: np.ndarray, change: float) -> np.ndarray:
    return values + np.where(STEP >= AT, change, 0.0)


SERIES = {
    "noise of seconds": ("1s", _event(_noise(), 6)),
    "one spike in noise": ("1min", _event(_noise(), 12, points=1)),
    "random walk with a jump": ("1min", _shift(np.cumsum(_noise()), 40)),
    "trend with a new level": ("1h", _shift(0.1 * STEP + _noise(), -30)),
    "daily with a flat day": (
        "1h",
        np.where(STEP // 24 == 50, 100, 100 + 30 * np.sin(STEP * np.pi / 12) + _noise()),
    ),
    "days with a weekly period": (
        "1D",
        _event(200 + 50 * np.sin(STEP * 2 * np.pi / 7) + 5 * _noise(), -150, points=4),
    ),
    "months": ("MS", _event(20 * np.sin(STEP * np.pi / 6) + 2 * _noise(), -60, points=6)),
    "period that is no calendar's": ("1s", _event(np.sin(STEP * 2 * np.pi / 37) + 0.1 * _noise(), 1.5)),
    "counts with a burst": ("1min", _counts()),
    "constant with a blip": ("1min", _event(np.full(N, 5.0), 4, points=1)),
    "constant with a new level": ("1min", _shift(np.full(N, 5.0), 4)),
    "almost constant": ("1min", _event(np.where(STEP % 211 == 7, 6.0, 5.0), 2, points=10)),
    "noise around a large number": ("1min", _event(1e9 + 0.01 * _noise(), 0.1)),
    "tiny numbers": ("1min", _event(1e-9 * _noise(), 1e-8)),
    "noise with a stuck sensor": ("1min", np.where((STEP >= AT) & (STEP < AT + 60), 0.3, _noise())),
    "random walk with a stuck sensor": ("1min", np.cumsum(np.where((STEP >= AT) & (STEP < AT + 60), 0, _noise()))),
    "outlier in training": ("1min", _event(_noise() + np.where(STEP == 100, 100, 0), 7)),
    "level shift before the event": ("1min", _event(_noise() + np.where(STEP > 1000, 8, 0), 8)),
}


def table(name: str) -> pd.DataFrame:
    step, values = SERIES[name]
    times = pd.date_range("1900-01-01", periods=N, freq=step).strftime("%Y-%m-%d %H:%M:%S")
    return pd.DataFrame({"time": times, "value": values})


def alarms_after_training(payload: bytes, tmp_path) -> tuple[np.ndarray, int]:
    """Return which points (n,) of the validation and test parts are alarms, and the first one's row."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "series.csv"
    path.write_bytes(payload)
    dlcore.add_data(tmp_path.name[:30], path)
    config = projects.configure("anomaly", dataset=tmp_path.name[:30], preset="quick", device="cpu")
    runs.train_here(config, tmp_path / "bundle")
    stored = runs.Bundle(tmp_path / "bundle").predictions()
    scores = np.concatenate([stored[f"{part}_scores"] for part in ("validation", "test")])
    return scores > 1, len(stored["train_scores"])


@pytest.mark.parametrize("name", SERIES)
def test_the_event_is_an_alarm_and_few_points_are(name, tmp_path):
    is_alarm, first = alarms_after_training(table(name).to_csv(index=False).encode(), tmp_path)
    event = slice(AT - first, AT - first + 60)
    assert is_alarm[event].any()
    assert is_alarm.mean() < 0.05
    choice = custom_series.choose_detector(registry.require(tmp_path.name[:30], "series"))
    assert choice.reason.startswith("The training part ")


def test_gaps_repeated_times_and_a_constant_are_no_obstacle(tmp_path):
    rows = table("daily with a flat day")
    rows = pd.concat([rows[:300], rows[340:700], rows[690:]])
    is_alarm, _ = alarms_after_training(rows.to_csv(index=False).encode(), tmp_path)
    assert is_alarm.any() and is_alarm.mean() < 0.05
    constant = io.StringIO()
    table("constant with a blip").assign(value=5.0).to_csv(constant, index=False)
    is_alarm, _ = alarms_after_training(constant.getvalue().encode(), tmp_path / "constant")
    assert not is_alarm.any()
