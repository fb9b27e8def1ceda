"""A replay of a stored series in memory, with feedback on its alarms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from dlcore.data.series.series import MinMaxScaler, Series
from dlcore.evaluation import anomaly, feedback
from dlcore.evaluation.feedback import FeedbackEffect
from dlcore.runs.monitor.detector import Alarm, StreamDetector
from dlcore.runs.monitor.sources import Replay

Mark = Literal["false", "missed", "confirmed"]
FIELDS = ("times", "values", "scores", "thresholds")


@dataclass(frozen=True)
class MissedCandidate:
    """A peak without an alarm: time in epoch milliseconds, and score as a share of the threshold."""

    time: int
    ratio: float


@dataclass
class ReplaySession:
    """A detector, its replay, the points scored so far, and marks: of alarms by id, and of missed events by time."""

    detector: StreamDetector
    replay: Replay
    alarms: list[Alarm] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    parts: dict[str, list[np.ndarray]] = field(default_factory=lambda: {name: [] for name in FIELDS})

    @property
    def is_over(self) -> bool:
        """Whether the series has ended."""
        return self.replay.position >= len(self.replay.series.times)

    def advance(self) -> None:
        """Score the points that are due. Thresholds are stored without the factor of feedback."""
        while (points := self.replay.read()) is not None and len(points[0]):
            scored = self.detector.push(*points)
            for name in FIELDS:
                values = getattr(scored, name)
                self.parts[name].append(values / self.detector.factor if name == "thresholds" else values)
            self.alarms += scored.alarms

    def array(self, name: str) -> np.ndarray:
        """Return one of `FIELDS` (n,) of all points so far."""
        if len(self.parts[name]) > 1:
            self.parts[name] = [np.concatenate(self.parts[name])]
        return self.parts[name][0] if self.parts[name] else np.zeros(0)

    def curves(self) -> dict[str, np.ndarray]:
        """Return the values (n,) so far by name; those of columns in units of their training range."""
        values, names = self.array("values"), self.detector.scorer.names
        if not names:
            return {"value": values}
        scaler = MinMaxScaler.from_json(self.detector.loaded.preprocessing["scaler"])
        columns = MinMaxScaler(scaler.low[: len(names)], scaler.high[: len(names)])
        return dict(zip(names, columns.scale(values).T, strict=True))

    @property
    def ratios(self) -> np.ndarray:
        """Scores (n,) as shares of their thresholds without feedback; 0 where the threshold is infinite."""
        limits = self.array("thresholds")
        return np.asarray(self.array("scores") / np.where(limits > 0, limits, np.inf))

    def alarm_ranges(self, factor: float) -> np.ndarray:
        """Return the alarms (A, 2) as index ranges, with thresholds multiplied by a factor."""
        return anomaly.alarm_ranges(self.ratios > factor, gap=self.detector.source.gap)

    def candidates(self, *, most: int = 5) -> list[MissedCandidate]:
        """Return the highest peaks without an alarm, highest first."""
        ratios, gap = self.ratios / self.detector.factor, self.detector.source.gap
        times, peaks = self.array("times"), list[MissedCandidate]()
        free = ratios.copy()
        for start, stop in anomaly.true_ranges(ratios > 1):
            free[max(0, start - gap) : stop + gap] = 0
        while len(free) and len(peaks) < most and free.max() > 0:
            at = int(free.argmax())
            peaks.append(MissedCandidate(int(times[at]), float(free[at])))
            free[max(0, at - gap) : at + gap] = 0
        return peaks

    def pick(self, moment: int) -> Alarm | MissedCandidate | None:
        """Return the alarm nearest to a moment, or the highest score around it; None if there is no score.

        `moment` is in epoch milliseconds; half of the pause between two alarms on each side counts.
        """
        times, margin = self.array("times"), self.detector.source.gap * self.detector.source.step_ms // 2
        first, stop = np.searchsorted(times, (moment - margin, moment + margin + 1))
        spans, ratios = self.alarm_ranges(self.detector.factor), self.ratios / self.detector.factor
        around = [
            alarm
            for start, end in spans[(spans[:, 0] < stop) & (spans[:, 1] > first)]
            for alarm in self.alarms
            if times[start] <= alarm.start <= times[end - 1]
        ]
        if around:
            return min(around, key=lambda alarm: abs(alarm.start - moment))
        part = ratios[first:stop]
        if not len(part) or part.max() <= 0:
            return None
        at = first + int(part.argmax())
        return MissedCandidate(int(times[at]), float(ratios[at]))

    def effect(self) -> FeedbackEffect | None:
        """Return what the marks would change; None without a mark.

        Raises:
            RequestError: only confirmed alarms are marked.
        """
        if not set(self.marks.values()) - {"confirmed"}:
            return None
        ratios, gap = self.ratios, self.detector.source.gap
        spans = self.alarm_ranges(self.detector.factor)
        starts = {alarm.id: alarm.start for alarm in self.alarms}
        places: Mapping[str, list[tuple[int, int]]] = {"false": [], "missed": [], "confirmed": []}
        for key, mark in self.marks.items():
            at = int(np.searchsorted(self.array("times"), starts.get(key) or int(key)))
            around = spans[(spans[:, 0] <= at) & (spans[:, 1] > at)]
            places[mark].append((int(around[0, 0]), int(around[0, 1])) if len(around) else (at, at + 1))
        return feedback.propose(ratios, **places, gap=gap, factor=self.detector.factor)

    def apply(self) -> None:
        """Apply the effect of the marks to all later points, and list the alarms that it leaves among the earlier."""
        effect = self.effect()
        if effect is None:
            return
        self.detector.factor = effect.factor
        times = self.array("times")
        spans = [(times[start], times[stop - 1]) for start, stop in effect.after]
        self.alarms = [alarm for alarm in self.alarms if any(low <= alarm.start <= high for low, high in spans)]
        self.marks.clear()


def start_replay(detector: StreamDetector, series: Series, *, name: str, speed: float) -> ReplaySession:
    """Return a replay of a series from its first point."""
    return ReplaySession(detector, Replay(series, name=name, speed=speed, columns=detector.scorer.names))
