"""Thresholds for a stream of scores: the threshold of a point uses earlier scores only.

Every threshold starts from scores of ordinary points outside training, such as those of the validation split.
"""

import bisect
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from dlcore.core.errors import DataError

Kind = Literal["fixed", "rolling", "dspot", "conformal"]
KINDS: dict[Kind, str] = {
    "fixed": "Fixed: the threshold of the run",
    "rolling": "Rolling quantile of recent scores",
    "dspot": "DSPOT: extreme value theory, follows drift",
    "conformal": "Conformal: a stated false-alarm rate",
}
RATE = 0.001
"""Default share of ordinary points that may raise an alarm."""
MEMORY = 5_000
"""Default number of recent scores that an adaptive threshold uses."""


class StreamThreshold(Protocol):
    """A threshold that learns from each score."""

    def update(self, score: float) -> float:
        """Return the threshold for this score, then learn the score; infinite while too few scores are known."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what it has learned, as a JSON-able dict."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was returned."""
        ...


def make_threshold(
    kind: str, start: Sequence[float], *, fixed: float, rate: float = RATE, memory: int = MEMORY
) -> StreamThreshold:
    """Return a threshold of that kind that has learned the scores `start` in order; `fixed` is that of "fixed".

    Raises:
        DataError: the kind is unknown, or the rate or memory out of bounds.
    """
    if not 0 < rate < 0.5 or memory < 20:
        raise DataError(f"rate={rate:g}, memory={memory}: choose a rate between 0 and 0.5, and a memory of 20 or more.")
    if kind == "fixed":
        return FixedThreshold(fixed)
    if kind == "rolling":
        return RankThreshold(start, rate=rate, memory=memory, is_conformal=False)
    if kind == "conformal":
        return RankThreshold(start, rate=rate, memory=memory, is_conformal=True)
    if kind == "dspot":
        return DspotThreshold(start, rate=rate, memory=memory)
    raise DataError(f"threshold '{kind[:40]}' is unknown: choose {', '.join(KINDS)}.")


class FixedThreshold:
    """The same threshold for every score."""

    def __init__(self, value: float) -> None:
        self.value = value

    def update(self, score: float) -> float:
        """Return the threshold."""
        return self.value

    def state(self) -> dict[str, Any]:
        """Return the threshold."""
        return {"value": self.value}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the threshold."""
        self.value = float(state["value"])


class RankThreshold:
    """A quantile of the last `memory` scores.

    Conformal: the ceil((n + 1) (1 - rate))-th smallest of n scores (Vovk et al. 2005; as an anomaly detector: Laxhammar
    & Falkman 2014): a new score exchangeable with them is above it with a probability of at most `rate`; infinite with
    fewer than 1 / rate - 1 scores. Otherwise the interpolated quantile 1 - rate, which needs 20 scores.
    """

    def __init__(self, start: Sequence[float], *, rate: float, memory: int, is_conformal: bool) -> None:
        self.rate, self.memory, self.is_conformal = rate, memory, is_conformal
        self._set(list(start)[-memory:])

    def update(self, score: float) -> float:
        """Return the quantile of the scores before this one."""
        value = self._value()
        self.recent.append(score)
        bisect.insort(self.ordered, score)
        if len(self.recent) > self.memory:
            del self.ordered[bisect.bisect_left(self.ordered, self.recent.popleft())]
        return value

    def state(self) -> dict[str, Any]:
        """Return the recent scores."""
        return {"recent": list(self.recent)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the recent scores."""
        self._set(state["recent"])

    def _set(self, scores: Sequence[float]) -> None:
        self.recent, self.ordered = deque(scores), sorted(scores)

    def _value(self) -> float:
        n = len(self.ordered)
        if self.is_conformal:
            rank = math.ceil((n + 1) * (1 - self.rate) - 1e-9)
            return self.ordered[rank - 1] if 0 < rank <= n else math.inf
        if n < 20:
            return math.inf
        place = (n - 1) * (1 - self.rate)
        low = int(place)
        high = min(low + 1, n - 1)
        return self.ordered[low] + (place - low) * (self.ordered[high] - self.ordered[low])


_DSPOT_NUMBERS = ("total", "count", "seen_peaks", "level", "excess", "early", "is_alarm")


class DspotThreshold:
    """Peaks over a threshold, on the score minus its local mean (DSPOT).

    Siffer et al., "Anomaly detection in streams with extreme value theory", KDD 2017, algorithm 2: excesses over the
    98 % quantile follow a generalized Pareto distribution, whose tail gives the level that an ordinary score exceeds
    with probability `rate`. Alarms do not change the local mean.

    Three differences: the quantile is lower if 5 times the rate is above 2 %; the last `memory` / 10 excesses are
    fitted, which bounds time and size; and the first score of an alarm counts as an excess of at most twice the level.
    The paper drops alarms, which cuts the tail of ordinary scores and raises the rate of false alarms two- to fivefold.
    """

    LEAST_SHARE = 0.02
    DEPTH = 50
    """Scores in the local mean."""
    LEAST_START = 500
    """Scores from which the quantile is computed, unless more are known from the start."""

    def __init__(self, start: Sequence[float], *, rate: float, memory: int) -> None:
        self.rate, self.most_peaks = rate, max(20, memory // 10)
        self.window: deque[float] = deque(maxlen=self.DEPTH)
        self.total, self.count, self.seen_peaks = 0.0, 0, 0
        self.peaks: deque[float] = deque(maxlen=self.most_peaks)
        self.level = self.excess = math.inf
        self.early: list[float] | None = []  # residuals until the quantile is known
        self.is_alarm = False
        for score in start:
            self._learn_early(score)
        self._calibrate()

    def update(self, score: float) -> float:
        """Return the local mean plus the level of the tail, from the scores before this one."""
        if self.early is not None:
            self._learn_early(score)
            self._calibrate()
            return math.inf
        mean = self.total / self.DEPTH
        residual, threshold = score - mean, mean + self.excess
        is_start, self.is_alarm = not self.is_alarm, score > threshold
        if self.is_alarm and not is_start:  # a long event does not change the tail
            return threshold
        self.count += 1
        if residual > self.level:
            self.peaks.append(min(residual - self.level, 2 * max(self.excess - self.level, 1e-12)))
            self.seen_peaks += 1
            self._fit()
        if not self.is_alarm:
            self._remember(score)
        return threshold

    def state(self) -> dict[str, Any]:
        """Return the local scores, the excesses and the level."""
        return {
            "window": list(self.window),
            "peaks": list(self.peaks),
            **{name: getattr(self, name) for name in _DSPOT_NUMBERS},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set what `state` returned."""
        self.window, self.peaks = deque(state["window"], self.DEPTH), deque(state["peaks"], self.most_peaks)
        for name in _DSPOT_NUMBERS:
            setattr(self, name, state[name])

    def _remember(self, score: float) -> None:
        if len(self.window) == self.DEPTH:
            self.total -= self.window[0]
        self.window.append(score)
        self.total += score

    def _learn_early(self, score: float) -> None:
        assert self.early is not None
        if len(self.window) == self.DEPTH:
            self.early.append(score - self.total / self.DEPTH)
        self._remember(score)

    def _calibrate(self) -> None:
        if self.early is None or len(self.early) < self.LEAST_START:
            return
        residuals = np.array(self.early)
        self.level = float(np.quantile(residuals, 1 - max(self.LEAST_SHARE, min(5 * self.rate, 0.2))))
        above = residuals[residuals > self.level] - self.level
        self.peaks.extend(above.tolist())
        self.count, self.seen_peaks, self.early = len(residuals), len(above), None
        self._fit()

    def _fit(self) -> None:
        shape, scale = fit_pareto(np.array(self.peaks))
        ratio = self.rate * self.count / max(self.seen_peaks, 1)
        tail = -scale * math.log(ratio) if abs(shape) < 1e-9 else scale / shape * (ratio**-shape - 1)
        self.excess = self.level + max(tail, 0.0)


def fit_pareto(excesses: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of a generalized Pareto distribution by maximum likelihood, from excesses (N,) > 0.

    Grimshaw's trick (Technometrics 1993): with the ratio x = shape / scale, the best shape is the mean of log(1 + x y),
    so one number is searched, here on a grid that is refined. Shapes are limited to -0.5 to 1.
    """
    excesses = excesses[excesses > 0]
    if len(excesses) < 2:
        return 0.0, float(excesses.mean()) if len(excesses) else 0.0
    mean, largest = float(excesses.mean()), float(excesses.max())
    best = (-(math.log(mean) + 1.0), 0.0, mean)  # the exponential distribution
    low, high = -1 / largest + 1e-6 / largest, 20 / mean
    grid = np.r_[np.linspace(low, 0, 24)[:-1], np.geomspace(1e-3 / mean, high, 24)]
    for _ in range(3):
        shapes = np.log1p(grid[:, None] * excesses).mean(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            scales = shapes / grid
            likelihood = -np.log(scales) - 1.0 - shapes
        likelihood[~np.isfinite(likelihood) | (shapes < -0.5) | (shapes > 1.0)] = -math.inf
        at = int(likelihood.argmax())
        if likelihood[at] > best[0]:
            best = (float(likelihood[at]), float(shapes[at]), float(scales[at]))
        grid = np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)], 16)
        grid = grid[np.abs(grid) > 1e-12 / mean]
    return best[1], best[2]
