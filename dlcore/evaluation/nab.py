"""Score of the Numenta Anomaly Benchmark (NAB) for one series: early detections earn most.

Source: Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms", ICMLA 2015, section II; where the paper
and NAB's published scores differ (position in a window, gain scaled to 1 at its start), this follows the published
scores.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from dlcore.core.errors import DataError

Profile = Literal["standard", "low_fp", "low_fn"]


@dataclass(frozen=True)
class NabWeights:
    """Gain of a window detected at its start, and cost of a false alarm and of a missed window."""

    hit: float
    false_alarm: float
    miss: float


PROFILES: dict[Profile, NabWeights] = {
    "standard": NabWeights(1.0, 0.11, 1.0),
    "low_fp": NabWeights(1.0, 0.22, 1.0),
    "low_fn": NabWeights(1.0, 0.11, 2.0),
}
"""NAB's profiles: standard, reward_low_FP_rate (false alarms cost double), reward_low_FN_rate (misses cost double)."""

FAR = 3.0
"""Window lengths after a window from which a false alarm has its full cost, as it has before the first window."""


def file_score(is_alarm: np.ndarray, windows: np.ndarray, *, profile: Profile = "standard", start: int = 0) -> float:
    """Return the file score: 100 if every window is detected at its first point with no false alarm, 0 without alarms.

    called (N,) is true where a point raises an alarm; windows (E, 2) are index ranges [start, stop), ordered and
    disjoint. Only points from index `start` on count (NAB's probation comes before). The score is negative if false
    alarms cost more than windows earn: every *point* of a false alarm costs, so long ones are expensive.

    Raises:
        DataError: no window reaches beyond `start`, or the windows do not fit the series.
    """
    weights = PROFILES[profile]
    raw, windows_counted = _raw(is_alarm, windows, weights, start)
    nothing = -weights.miss * windows_counted
    perfect = weights.hit * windows_counted
    return float(100 * (raw - nothing) / (perfect - nothing))


def profile_scores(is_alarm: np.ndarray, windows: np.ndarray, *, start: int = 0) -> dict[str, float]:
    """Return `nab_standard`, `nab_low_fp` and `nab_low_fn`: the file score of each profile."""
    return {f"nab_{profile}": file_score(is_alarm, windows, profile=profile, start=start) for profile in PROFILES}


def gains(places: np.ndarray) -> np.ndarray:
    """Return the scaled sigmoid 2 / (1 + exp(5 y)) - 1 of relative positions y: -1 is a window's first point, 0 its
    end.

    From `FAR` on it is -1 (NAB's cutoff).
    """
    return np.where(places >= FAR, -1.0, 2 / (1 + np.exp(5 * np.minimum(places, FAR))) - 1)


def raw_score(
    is_alarm: np.ndarray, windows: np.ndarray, *, profile: Profile = "standard", start: int = 0
) -> tuple[float, int]:
    """Return the weighted sum of `file_score` before it is scaled, and the number of windows in it.

    A corpus is scaled as a whole: see `corpus_score`. A series may have no window: then only false alarms count.
    """
    if not len(windows):
        return float(-PROFILES[profile].false_alarm * is_alarm[start:].sum()), 0
    return _raw(is_alarm, windows, PROFILES[profile], start)


def corpus_score(raw: np.ndarray, windows: int, *, profile: Profile = "standard") -> np.ndarray:
    """Return NAB's score of a corpus (...) from the sums (...) of its raw scores and its number of windows.

    0 without alarms, 100 if every window is detected at its first point with no false alarm.
    """
    weights = PROFILES[profile]
    return 100 * (raw + weights.miss * windows) / ((weights.hit + weights.miss) * max(windows, 1))


def _raw(is_alarm: np.ndarray, windows: np.ndarray, weights: NabWeights, start: int) -> tuple[float, int]:
    """Return the weighted sum and the number of windows in it."""
    _check(is_alarm, windows, start)
    alarms = np.flatnonzero(is_alarm)
    alarms = alarms[alarms >= start]
    starts, stops = windows[:, 0], windows[:, 1]
    counted = stops > start
    first = np.searchsorted(alarms, starts)
    first_alarm = np.r_[alarms, len(is_alarm)][first]
    hit = counted & (first_alarm < stops)
    widths = stops - starts
    places = -(stops[hit] - first_alarm[hit]) / widths[hit]  # the window's first point is -1, its last -1 / width
    earned = weights.hit * (gains(places) / gains(np.array(-1.0))).sum()
    missed = weights.miss * (counted & ~hit).sum()
    return float(earned - missed + weights.false_alarm * _cost(alarms, starts, stops)), int(counted.sum())


def _cost(alarms: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> float:
    """Return the unweighted cost of alarms outside all windows: small just after a window, 1 far from all."""
    preceding = np.searchsorted(starts, alarms, side="right") - 1
    outside = (preceding < 0) | (alarms >= stops[preceding])
    alarms, preceding = alarms[outside], preceding[outside]
    lengths = np.maximum(stops - starts - 1, 1)
    places = np.where(preceding >= 0, (alarms - (stops[preceding] - 1)) / lengths[preceding], FAR)
    return float(gains(places).sum())


def _check(is_alarm: np.ndarray, windows: np.ndarray, start: int) -> None:
    if not len(windows) or not (windows[:, 1] > start).any():
        raise DataError(f"the NAB score needs a labeled window after point {start}, but there is none.")
    flat = windows.ravel()
    if flat[0] < 0 or flat[-1] > len(is_alarm) or (np.diff(flat) < 0).any() or (windows[:, 1] <= windows[:, 0]).any():
        raise DataError(f"windows must be ordered, disjoint and within the {len(is_alarm)} points: {windows.tolist()}.")
