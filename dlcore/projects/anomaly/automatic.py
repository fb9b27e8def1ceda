"""The default detector for any series: its settings depend on the values of the series, never on its labels.

Nearest windows whose mean is removed, so that a new level is unusual only while it is new. Where the series strongly
follows the calendar, windows of two days are compared at the same time of the day or week only. Other periods are not
used: their phase drifts.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d

from dlcore.data.series.intervals import format_duration
from dlcore.data.series.seasonality import DAY_MS, autocorrelation, detect_period
from dlcore.data.series.series import MinMaxScaler, Series
from dlcore.evaluation.detectors import LEAST_WINDOW, MOST_WINDOW, MULTIPLE, Scores, window_length
from dlcore.models.nearest_windows import NearestWindows, NearestWindowsConfig
from dlcore.projects.anomaly import records
from dlcore.projects.anomaly import scores as scored

MODEL, TITLE = "neighbors", "Default detector"
"""The model of the default detector, and the detector's title."""
STRONG_PERIOD = 0.7
"""Autocorrelation at the period from which windows are compared at the same time of the period only."""
LEAST_PERIODS = 4
"""Number of training periods from which they are."""
SCALES = 2


@dataclass(frozen=True)
class Choice:
    """Settings of the nearest windows, and the reason in one or two sentences."""

    period: int
    settings: dict[str, Any]
    reason: str

    @property
    def window(self) -> int:
        """The longest window in points."""
        return int(self.settings["window"])


def choose(training: np.ndarray, step_ms: int, *, points: int, room: int = 10**9) -> Choice:
    """Choose the settings by the training values (n,) of a series of `points`; a window has at most `room` points."""
    period = detect_period(training, step_ms)
    strength = float(autocorrelation(training)[period]) * len(training) / (len(training) - period) if period else 0.0
    repeats = len(training) // period if period else 0
    is_calendar = period * step_ms in (DAY_MS, 7 * DAY_MS)
    is_aligned = is_calendar and strength >= STRONG_PERIOD and repeats >= LEAST_PERIODS
    window = min(2 * DAY_MS // step_ms, MOST_WINDOW) if is_aligned else window_length(points)
    window = max(LEAST_WINDOW, min(window, room) // MULTIPLE * MULTIPLE)
    length = format_duration(window * step_ms)
    if is_aligned:
        reason = (
            f"The training part repeats every {format_duration(period * step_ms)} (autocorrelation {strength:.2f}), "
            f"{repeats} times: windows of {length} are compared at the same time of the period."
        )
    else:
        evidence = (
            "no period"
            if not period
            else f"a period of {format_duration(period * step_ms)} with autocorrelation {strength:.2f}, {repeats} times"
        )
        reason = f"The training part has {evidence}: windows of {length} are compared at all times."
    options = {
        "window": window,
        "scales": SCALES,
        "use_period": is_aligned,
        "remove_mean": True,
        "mark_flat": True,
        "record_share": records.SHARE,
    }
    rule = records.RecordRule.of(records.SHARE, train_points=len(training), window=window)
    past = format_duration(rule.reach * step_ms)
    alarm = f"An alarm is a score {rule.ratio - 1:.0%} above the largest of the last {past}, or a flat stretch."
    return Choice(period if is_aligned else 0, options, f"{reason} {_describe_level(training, window)} {alarm}")


def _describe_level(training: np.ndarray, window: int) -> str:
    """Say how far the level moves between windows, in standard deviations: why the mean is removed."""
    count, spread = len(training) // window, float(training.std())
    if count < 2 or not spread:
        return "Their mean is removed."
    levels = training[: count * window].reshape(count, window).mean(axis=1)
    return f"Their mean is removed: it moves by {np.ptp(levels) / spread:.1f} standard deviations in training."


def score(series: Series, *, train: np.ndarray) -> Scores:
    """Return the scores of a series by the default detector, fitted on the points in `train` (N,): its start."""
    count = int(train.sum())
    choice = choose(series.values[train], series.step_ms, points=len(train), room=count // 2)
    options = NearestWindowsConfig(
        **{name: value for name, value in choice.settings.items() if name in NearestWindowsConfig.model_fields}
    )
    scaled = MinMaxScaler.fit(series.values[train, None]).scale(series.values[:, None])
    places, step = max(1, choice.period), series.step_ms
    rows = scored.ScaledRows(scaled, np.arange(len(scaled)), series.times // step % places)
    module = NearestWindows(options, window=choice.window, places=places, points=count)
    module.store(
        torch.from_numpy(scaled[:count, 0]), torch.ones(count, dtype=torch.bool), first_place=int(rows.places[0])
    )
    errors = scored.errors(module, rows, view="nearest window", length=choice.window)
    return Scores(np.sqrt(errors.causal[:, 0]), np.sqrt(errors.centered[:, 0]))


def record_ratio(scores: np.ndarray, *, train_points: int) -> np.ndarray:
    """Return each score (N,) divided by the largest of the previous 2 `train_points` scores; causal.

    An alarm at a ratio above 1 is a new record: a score that stays high, after a level shift, raises one alarm instead
    of many. 0 before the second half of the training part; scores below a thousandth of its largest count as that.
    """
    reach = max(2, 2 * train_points)
    largest = maximum_filter1d(scores, reach, origin=(reach - 1) // 2, mode="nearest")  # of the last `reach` points
    floor = max(1e-3 * float(scores[:train_points].max(initial=0.0)), 1e-12)
    ratio = np.r_[0.0, scores[1:] / np.maximum(largest[:-1], floor)]
    ratio[: max(1, train_points // 2)] = 0.0
    return ratio
