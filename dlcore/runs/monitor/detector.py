"""Scores and alarms of a series that arrives point by point."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.data.series.samples import format_time
from dlcore.data.series.tables import forward_fill
from dlcore.evaluation.adaptive_threshold import StreamThreshold

if TYPE_CHECKING:
    from dlcore.projects.project import LoadedModel, Project, SeriesScorer

CHUNK = 512
"""Points scored at once, at most."""
LONGEST_FILL = 3
"""Missing points in a row that repeat the last value; after a longer gap the window restarts."""


@dataclass(frozen=True)
class Alarm:
    """The first point of an alarm. Times in epoch milliseconds; `id` depends on run, series and start only.

    `part_start` and `part_end` bound the part of the window with half of its error. Of a table with several columns,
    `column` has the largest error, and `value` is its value; else it is empty.
    """

    id: str
    run: str
    series: str
    start: int
    value: float
    score: float
    threshold: float
    part_start: int
    part_end: int
    reason: str
    column: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the fields, with times in ISO 8601; without `column` if it is empty."""
        times = {name: _iso(getattr(self, name)) for name in ("start", "part_start", "part_end")}
        fields = asdict(self) | times
        return fields if self.column else {name: value for name, value in fields.items() if name != "column"}


@dataclass(frozen=True)
class ScoredPoints:
    """Points (n,) with a score: times in epoch milliseconds, values (n,) or (n, V), scores, thresholds, and which are
    above."""

    times: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    thresholds: np.ndarray
    is_alarm: np.ndarray
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True)
class AlarmWindow:
    """The window behind an alarm (L,), with what the model expected."""

    alarm: Alarm
    times: np.ndarray
    observed: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True)
class StreamSource:
    """What is monitored: run id, name of the series, milliseconds between points, and the pause in points that
    separates two alarms."""

    run: str
    series: str
    step_ms: int
    gap: int


class StreamDetector:
    """Scores points in the order of arrival, equal to the causal scores of the whole series where no point is missing.

    Points that are not later than the last one are dropped. Up to `LONGEST_FILL` missing values repeat the last one; in
    a row of several values every missing one does.
    `counts` says how many were `late`, `missing`, `filled`, and how often the window `restarted`.
    """

    def __init__(
        self,
        project: "Project",
        loaded: "LoadedModel",
        source: StreamSource,
        threshold: StreamThreshold,
        *,
        factor: float = 1.0,
    ) -> None:
        assert project.scorer is not None
        self.project, self.loaded, self.source, self.threshold = project, loaded, source, threshold
        self.factor = factor
        self.scorer: SeriesScorer = project.scorer(loaded, source.step_ms)
        self.times, self.values = np.zeros(0, np.int64), np.zeros((0, *self.shape))
        self.last_row = np.full(self.shape, np.nan)
        self.windows: dict[str, AlarmWindow] = {}
        self.counts: Counter[str] = Counter()
        self.last_time = self.last_alarm = 0
        self.fed = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value: (), or (V,) for the columns of a table."""
        return (len(self.scorer.names),) if self.scorer.names else ()

    def push(self, times: np.ndarray, values: np.ndarray) -> ScoredPoints:
        """Score the next points: times (n,) in epoch milliseconds, values (n,) or (n, V), NaN if missing."""
        values = values.reshape(len(times), *self.shape)
        parts = [
            self._score(each_times[start : start + CHUNK], each_values[start : start + CHUNK])
            for is_new, each_times, each_values in self._segments(*self._accept(times, values))
            for start in self._starts(is_new, len(each_times))
        ]
        return _join(parts, self.shape)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to continue, as a JSON-able dict."""
        return {
            "scorer": self.scorer.state(),
            "threshold": self.threshold.state(),
            "times": self.times.tolist(),
            "values": self.values.tolist(),
            "last_row": self.last_row.tolist(),
            "counts": dict(self.counts),
            "numbers": [self.last_time, self.last_alarm, self.fed],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after the points at which `state` was returned."""
        self.scorer.restore(state["scorer"])
        self.threshold.restore(state["threshold"])
        self.times = np.array(state["times"], np.int64)
        self.values = np.array(state["values"], np.float64).reshape(-1, *self.shape)
        self.last_row = np.array(state.get("last_row", np.full(self.shape, np.nan)), np.float64)
        self.counts = Counter(state["counts"])
        self.last_time, self.last_alarm, self.fed = state["numbers"]

    def _accept(self, times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Drop points that are late, repeated or without a finite value; fill the missing values of other rows."""
        is_new = times > np.maximum.accumulate(np.r_[self.last_time if self.fed else -(2**62), times])[:-1]
        self.counts["late"] += int((~is_new).sum())
        times, values = times[is_new], values[is_new]
        known = np.isfinite(values)
        if self.shape and len(times):
            has_value, is_gap = known.any(axis=1), ~known
            values = forward_fill(np.where(known, values, np.nan), self.last_row)
            known = np.isfinite(values).all(axis=1) & has_value
            self.counts["filled"] += int(is_gap[known].sum())
            self.last_row = values[-1]
        self.counts["missing"] += int((~known).sum())
        return times[known], values[known]

    def _segments(self, times: np.ndarray, values: np.ndarray) -> list[tuple[bool, np.ndarray, np.ndarray]]:
        """Split points at long gaps and fill short ones; True for a part that follows a long gap."""
        if not len(times):
            return []
        first = self.last_time if self.fed else int(times[0]) - self.source.step_ms
        missing = np.maximum(np.rint(np.diff(times, prepend=first) / self.source.step_ms).astype(np.int64) - 1, 0)
        if not missing.any():
            return [(False, times, values)]
        cuts = np.flatnonzero(missing > LONGEST_FILL)
        bounds = [0, *cuts.tolist(), len(times)]
        before = np.concatenate([self.values[-1:] if len(self.values) else values[:1], values[:-1]])
        parts = []
        for low, high in itertools.pairwise(bounds):
            if high > low:
                short = np.where(missing[low:high] > LONGEST_FILL, 0, missing[low:high])
                filled = np.repeat(np.arange(low, high), short)
                offsets = np.concatenate([np.arange(count, 0, -1) for count in short]) if len(filled) else filled
                self.counts["filled"] += len(filled)
                places = np.repeat(np.arange(high - low), short)
                new_times = np.insert(times[low:high], places, times[filled] - offsets * self.source.step_ms)
                parts.append((low in cuts, new_times, np.insert(values[low:high], places, before[filled], axis=0)))
        return parts

    def _starts(self, is_new: bool, length: int) -> range:
        """Return where the chunks of a part start; restart the window if the part is new."""
        if is_new:
            assert self.project.scorer is not None
            self.counts["restarted"] += 1
            self.scorer = self.project.scorer(self.loaded, self.source.step_ms)
            self.times, self.values = self.times[:0], self.values[:0]
            self.fed = 0
        return range(0, length, CHUNK)

    def _score(self, times: np.ndarray, values: np.ndarray) -> ScoredPoints:
        scores = self.scorer.score(times, values)
        unknown = min(max(0, self.scorer.length - 1 - self.fed), len(times))
        update, factor = self.threshold.update, self.factor
        limits = [update(score) * factor for score in scores[unknown:].tolist()]
        thresholds = np.r_[np.full(unknown, np.inf), limits]
        is_alarm = scores > thresholds
        self.times, self.values = np.r_[self.times, times], np.concatenate([self.values, values])
        self.fed, self.last_time = self.fed + len(times), int(times[-1])
        points = ScoredPoints(times, values, scores, thresholds, is_alarm)
        alarms = tuple(
            self._alarm(points, int(place)) for place in np.flatnonzero(is_alarm) if self._is_start(times[place])
        )
        keep = max(self.scorer.length + self.scorer.smooth, 2 * self.scorer.length, 48)
        self.times, self.values = self.times[-keep:], self.values[-keep:]
        return replace(points, alarms=alarms)

    def _is_start(self, time: int) -> bool:
        """Whether an alarm at this time is the first after a pause."""
        pause = round((int(time) - self.last_alarm) / self.source.step_ms) - 1
        is_start = not self.last_alarm or pause >= self.source.gap
        self.last_alarm = int(time)
        return is_start

    def _alarm(self, points: ScoredPoints, place: int) -> Alarm:
        start, end = int(points.times[place]), len(self.times) - len(points.times) + place + 1
        first = max(0, end - self.scorer.length - self.scorer.smooth - 48)
        window = self.scorer.explain(self.times[first:end], self.values[first:end])
        low, high = window["part"] if window else (start, start)
        score, threshold = float(points.scores[place]), float(points.thresholds[place])
        about, names, values = "", self.scorer.names, points.values[place]
        name = window["column"] if window else names[0] if names else ""
        if window:
            where = format_time(high) if low == high else f"{format_time(low)} to {format_time(high)}"
            observed, expected = window["part_observed"], window["part_expected"]
            column = f" of {window['column']}" if window["column"] else ""
            about = f" Largest error{column} {where}: {observed:.4g} where {expected:.4g} is expected."
        ratio = f", {score / threshold:.2f} times the threshold" if threshold > 0 else ""
        alarm = Alarm(
            id=alarm_id(self.source.run, self.source.series, start),
            run=self.source.run,
            series=self.source.series,
            start=start,
            value=float(values[names.index(name)] if name else values),
            score=score,
            threshold=threshold,
            part_start=low,
            part_end=high,
            reason=f"Score {score:.4g} above {threshold:.4g}{ratio}.{about}",
            column=name,
        )
        if window:
            arrays = (np.array(window[name]) for name in ("times", "observed", "expected"))
            self.windows[alarm.id] = AlarmWindow(alarm, *arrays)
        return alarm


def alarm_id(run: str, series: str, start: int) -> str:
    """Return the id of an alarm, the same in every process."""
    return hashlib.sha256(f"{run}\n{series}\n{start}".encode("utf-8", "replace")).hexdigest()[:16]


def _join(parts: list[ScoredPoints], shape: tuple[int, ...]) -> ScoredPoints:
    if len(parts) == 1:
        return parts[0]
    names = ("times", "values", "scores", "thresholds", "is_alarm")
    if not parts:
        none = np.zeros(0)
        return ScoredPoints(np.zeros(0, np.int64), np.zeros((0, *shape)), none, none, np.zeros(0, bool))
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return ScoredPoints(**arrays, alarms=tuple(alarm for part in parts for alarm in part.alarms))


def _iso(time: int) -> str:
    return format_time(time).replace(" ", "T")
