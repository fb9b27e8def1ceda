"""Follow a source with a finished run: score, store, and send alarms, until the source ends or a person stops it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core.errors import RequestError
from dlcore.data.series.intervals import describe_step_difference
from dlcore.data.series.samples import format_time
from dlcore.evaluation import anomaly, feedback
from dlcore.evaluation.adaptive_threshold import MEMORY, RATE, StreamThreshold, make_threshold
from dlcore.evaluation.feedback import FeedbackEffect
from dlcore.runs.batch.predict import checksum
from dlcore.runs.inference import open_bundle
from dlcore.runs.locks import try_lock
from dlcore.runs.monitor.detector import ScoredPoints, StreamDetector, StreamSource
from dlcore.runs.monitor.sinks import Sink
from dlcore.runs.monitor.sources import PointSource
from dlcore.runs.monitor.store import MonitorStore, Outbox, folder_of

if TYPE_CHECKING:
    from dlcore.runs.bundle.reader import Bundle
    from dlcore.runs.run import Run

MANY_LATE = 100
"""Points in a row before the last time after which a warning says that they are dropped."""
PROBE = 8
"""First points, from which the time between points is found."""
SAVE_S, IDLE_S, LAST_SEND_S = 0.5, 0.2, 20.0
HOUR_MS = 3_600_000
CYCLE_POINTS = 1024


@dataclass(frozen=True)
class ThresholdSettings:
    """Kind of threshold (`evaluation.adaptive_threshold.KINDS`), its rate of false alarms, and the number of recent
    scores."""

    kind: str = "fixed"
    rate: float = RATE
    memory: int = MEMORY


@dataclass
class MonitorEvents:
    """What a monitor reports: a warning, a new alarm as JSON-able dict, scored points."""

    warn: Callable[[str], None] = lambda text: None
    alarm: Callable[[dict[str, Any]], None] = lambda alarm: None
    points: Callable[[ScoredPoints], None] = lambda points: None


def threshold_of(bundle: "Bundle", options: ThresholdSettings) -> StreamThreshold:
    """Return a threshold that has learned the run's validation scores.

    Raises:
        DataError: the settings are out of bounds.
        RequestError: the run has no threshold.
    """
    if bundle.threshold is None:
        raise RequestError("this run has no threshold: train it again.")
    start: list[float] = []
    if options.kind != "fixed":
        start = bundle.predictions().get("validation_scores", np.zeros(0)).astype(np.float64).tolist()
    return make_threshold(options.kind, start, fixed=float(bundle.threshold), rate=options.rate, memory=options.memory)


def default_gap(step_ms: int, points: int) -> int:
    """Return the pause that separates two alarms, as the evaluation counts them: a day, at most a tenth of `points`."""
    return anomaly.event_gap(step_ms / HOUR_MS, points)


def make_detector(
    run: "Run", series: str, step_ms: int, *, threshold: ThresholdSettings = ThresholdSettings(), gap: int = 0
) -> StreamDetector:
    """Return a detector with a run's model.

    Raises:
        RequestError: the run is not one of anomaly detection, or not finished.
    """
    bundle = run.finished_bundle
    project, loaded = open_bundle(bundle)
    if project.scorer is None:
        raise RequestError(f"'{project.slug}' raises no alarms: choose a run of anomaly detection.")
    gap = gap or default_gap(step_ms, int(bundle.facts.get("train_points", 10 * 48)))
    source = StreamSource(run.record.run_id, series, step_ms, gap)
    return StreamDetector(project, loaded, source, threshold_of(bundle, threshold))


class SeriesMonitor:
    """A run that watches a source.

    Raises:
        RequestError: another process monitors the same source with this run, its settings differ from those it was
            started with, or the run cannot be used.
    """

    def __init__(
        self,
        run: "Run",
        source: PointSource,
        *,
        threshold: ThresholdSettings = ThresholdSettings(),
        gap: int = 0,
        sinks: Sequence[Sink] = (),
        events: MonitorEvents | None = None,
        restart: bool = False,
    ) -> None:
        bundle = run.finished_bundle
        if open_bundle(bundle)[0].scorer is None:  # both raise before anything is written
            raise RequestError(f"'{run.config.project}' raises no alarms: choose a run of anomaly detection.")
        threshold_of(bundle, threshold)
        self.run, self.source, self.threshold, self.gap = run, source, threshold, gap
        self.events = events or MonitorEvents()
        self.store = MonitorStore(folder_of(run.run_id, source.name))
        lock = try_lock(self.store.path / "lock")
        if lock is None:
            raise RequestError(f"another process monitors {source.name} with this run: stop it first.")
        self.lock = lock
        if restart:
            self.store = self.store.clear()
        self.identity = {
            "weights": checksum(bundle.folder / "model.safetensors"),
            "threshold": [threshold.kind, threshold.rate, threshold.memory],
        }
        self.detector: StreamDetector | None = None
        self.early = np.zeros(0, np.int64), np.zeros(0)
        self.points, self.late, self.saved_at, self.is_dirty = 0, 0, 0.0, False
        self._restore()
        self.outbox = Outbox(self.store, sinks, self.events.warn)

    def follow(self, *, once: bool = False) -> None:
        """Score points until the source ends; with `once`, until it has nothing new. Ctrl-C ends it too."""
        try:
            while self.step(once=once):
                pass
        except KeyboardInterrupt:
            self.events.warn("stopped; the same command continues here.")
        finally:
            self.close()

    def step(self, *, once: bool = False) -> bool:
        """Score new points and send pending alarms; return whether to continue."""
        points = self.source.read()
        for note in self.source.notes:
            self.events.warn(note)
        self.source.notes.clear()
        is_idle = points is None or not len(points[0])
        if points is not None and not is_idle:
            self._take(*points)
        elif points is None or once:
            self._take(*self.early, is_last=True)
        if self.is_dirty and (is_idle or time.monotonic() > self.saved_at + SAVE_S):
            self._save()
        self.outbox.send()
        if is_idle and points is not None and not once:
            time.sleep(IDLE_S)
        return points is not None and not (once and is_idle)

    def close(self) -> None:
        """Store the state, send pending alarms for up to `LAST_SEND_S` seconds, and release the source."""
        if self.is_dirty:
            self._save()
        end = time.monotonic() + LAST_SEND_S
        while (left := self.outbox.send()) and time.monotonic() < end:
            time.sleep(IDLE_S)
        if left:
            self.events.warn(f"{left} alarms are not sent: start the same command again to send them.")
        self.source.close()
        self.lock.release()

    def summary(self) -> dict[str, Any]:
        """Return counts of points, alarms and what was unusual about the input."""
        counts: Counter[str] = Counter() if self.detector is None else Counter(self.detector.counts)
        counts.update(getattr(getattr(self.source, "parser", None), "counts", {}))
        return {
            "run_id": self.run.run_id,
            "source": self.source.name,
            "points": self.points,
            "alarms": len(self.store.alarms.rows),
            "folder": str(self.store.path),
            **{name: count for name, count in counts.items() if count},
        }

    def _restore(self) -> None:
        state = self.store.read_state()
        if not state:
            return
        if state["identity"] != self.identity:
            is_threshold = state["identity"]["weights"] == self.identity["weights"]
            what = "another threshold" if is_threshold else "other weights of this run"
            raise RequestError(f"{self.store.path} was started with {what}: use the same settings, or --restart.")
        self.source.restore(state["source"])
        self.points = int(state["points"])
        self.early = np.array(state["early"][0], np.int64), np.array(state["early"][1], np.float64)
        if state["detector"] is not None:
            self._start(int(state["step_ms"])).restore(state["detector"])

    def _save(self) -> None:
        self.store.write_state(
            {
                "identity": self.identity,
                "source": self.source.state(),
                "points": self.points,
                "early": [part.tolist() for part in self.early],
                "step_ms": 0 if self.detector is None else self.detector.source.step_ms,
                "detector": None if self.detector is None else self.detector.state(),
            }
        )
        self.saved_at, self.is_dirty = time.monotonic(), False

    def _start(self, step_ms: int) -> StreamDetector:
        self.detector = make_detector(self.run, self.source.name, step_ms, threshold=self.threshold, gap=self.gap)
        note = describe_step_difference(step_ms, self.detector.loaded.preprocessing["step_ms"])
        if note:
            self.events.warn(note)
        return self.detector

    def _warn_of_late(self, times: np.ndarray, detector: StreamDetector) -> None:
        """Warn once if all points are earlier than the last one: one time far in the future drops all that follow."""
        is_late = detector.fed > 0 and len(times) > 0 and int(times.max()) < detector.last_time
        self.late = self.late + len(times) if is_late else 0
        if self.late >= MANY_LATE > self.late - len(times):
            last = format_time(detector.last_time)
            self.events.warn(f"the last {self.late} points are earlier than {last} and were dropped; see --restart.")

    def _take(self, times: np.ndarray, values: np.ndarray, *, is_last: bool = False) -> None:
        """Score points; the first ones wait until the time between points is known."""
        if self.detector is None:
            if not is_last:
                early = [*self.early[1], *values]
                self.early = np.r_[self.early[0], times], np.array(early, np.float64)
                self.is_dirty = True
            times, values = self.early
            gaps = np.diff(np.unique(times))
            if not self.source.step_ms and (len(gaps) < (1 if is_last else PROBE)):
                return
            self._start(self.source.step_ms or int(np.median(gaps)))
            self.early = np.zeros(0, np.int64), np.zeros(0)
        if is_last and not len(times):
            return
        detector = self.detector
        assert detector is not None
        detector.factor = self.store.factor
        self._warn_of_late(times, detector)
        points = detector.push(times, values)
        self.points, self.is_dirty = self.points + len(points.times), True
        for alarm in self.store.add(points, detector.windows, factor=detector.factor):
            self.events.alarm(alarm)
        self.events.points(points)


def propose_feedback(
    store: MonitorStore,
    *,
    false: Sequence[str] = (),
    missed: Sequence[str] = (),
    confirmed: Sequence[str] = (),
    gap: int,
) -> FeedbackEffect:
    """Return the effect of feedback on the stored points of a monitor; nothing is changed.

    false, confirmed: ids of alarms, or times as in ISO 8601; missed: times, or `start/end`. `gap` is the pause in
    points that separates two alarms.

    Raises:
        RequestError: there is no such alarm or time, or nothing is marked.
    """
    history = store.history()
    if not len(history):
        raise RequestError(f"{store.path} holds no scores yet: start the monitor first.")
    ratios = history["score"] / np.where(history["threshold"] > 0, history["threshold"], np.inf)
    spans = anomaly.alarm_ranges(ratios > store.factor, gap=gap)
    starts = {row["id"]: row["start"] for row in store.alarms.rows}

    def find(text: str) -> tuple[int, int]:
        ends = [_moment(starts.get(part, part)) for part in text.split("/", 1)]
        low = int(np.searchsorted(history["time"], ends[0]))
        high = int(np.searchsorted(history["time"], ends[-1], side="right"))
        if low >= len(history) or high <= low:
            raise RequestError(f"no stored point at {text[:40]}: name the id of an alarm, a time, or start/end.")
        around = spans[(spans[:, 0] < high) & (spans[:, 1] > low)]
        return (int(around[:, 0].min()), int(around[:, 1].max())) if len(around) and len(ends) == 1 else (low, high)

    return feedback.propose(
        ratios,
        false=[find(text) for text in false],
        missed=[find(text) for text in missed],
        confirmed=[find(text) for text in confirmed],
        gap=gap,
        factor=store.factor,
    )


def _moment(text: str) -> int:
    try:
        return int(np.datetime64(text, "ms").astype(np.int64))
    except ValueError:
        raise RequestError(f"{text[:40]!r} is no alarm and no time: write 2015-01-26T12:00.") from None


def open_store(run: "Run", source: str) -> MonitorStore:
    """Return the stored scores and alarms of the monitor of a run and source.

    Raises:
        RequestError: it was never started.
    """
    path: Path = folder_of(run.run_id, source)
    if not path.is_dir():
        raise RequestError(f"nothing is stored for {source[:80]} with this run: start the monitor first.")
    return MonitorStore(path)
