"""The folder of a monitor: its state, the alarms it raised, what was sent, and the scores of recent points.

No alarm is lost if the process is killed: alarms are written before the state that follows them, a stored id is not
written again, and an alarm is sent again only if its delivery was not recorded.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core import access
from dlcore.plots import svg
from dlcore.plots.palette import BLUE, VERMILLION
from dlcore.runs.folder import read_json, translate_errors, write_atomic, write_json
from dlcore.runs.monitor.detector import AlarmWindow, ScoredPoints
from dlcore.runs.monitor.sinks import DeliveryError, Sink

HISTORY = np.dtype([("time", "<i8"), ("score", "<f8"), ("threshold", "<f8")])
MOST_POINTS = 1_000_000
"""Points of the history that are kept at least; twice as many at most."""
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0


def folder_of(run_id: str, source: str) -> Path:
    """Return the folder of the monitor of that run and source."""
    digest = hashlib.sha256(f"{run_id}\n{source}".encode("utf-8", "replace")).hexdigest()[:12]
    return access.personal_home() / "monitors" / f"{run_id.replace(':', '-').replace('/', '-')}-{digest}"


class JsonLines:
    """A file of JSON objects, one a line; appending survives a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = []
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # a line that a kill cut off
            with path.open("r+b") as file:
                file.truncate(whole)
        for line in content[:whole].splitlines():
            try:
                self.rows.append(json.loads(line))
            except ValueError:
                continue

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row to the disk."""
        with translate_errors(self.path), self.path.open("ab") as file:
            file.write(json.dumps(row).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.rows.append(dict(row))


class MonitorStore:
    """Files of one monitor: `state.json`, `alarms.jsonl`, `sent.jsonl`, `scores.bin`, `feedback.json`, `images`."""

    def __init__(self, path: Path) -> None:
        with translate_errors(path):
            (path / "images").mkdir(parents=True, exist_ok=True)
            self.path, self.alarms, self.sent = path, JsonLines(path / "alarms.jsonl"), JsonLines(path / "sent.jsonl")
        self.ids = {row["id"] for row in self.alarms.rows}
        self.size = (self._scores.stat().st_size if self._scores.exists() else 0) // HISTORY.itemsize

    def clear(self) -> "MonitorStore":
        """Delete everything that is stored, and return the empty store."""
        with translate_errors(self.path):
            for name in ("state.json", "alarms.jsonl", "sent.jsonl", "scores.bin", "feedback.json"):
                (self.path / name).unlink(missing_ok=True)
            for image in (self.path / "images").iterdir():
                image.unlink()
        return MonitorStore(self.path)

    def read_state(self) -> dict[str, Any]:
        """Return the last state, and drop scores of points after it; empty at the first start."""
        state = read_json(self.path / "state.json")
        if self._scores.exists():
            self.size = min(self.size, int(state.get("stored", 0)))
            with translate_errors(self._scores), self._scores.open("r+b") as file:
                file.truncate(self.size * HISTORY.itemsize)
        return state

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Write the state completely or not at all."""
        text = json.dumps({**state, "stored": self.size}).encode()
        with translate_errors(self.path):
            write_atomic(self.path / "state.json", text)

    def add(
        self, points: ScoredPoints, windows: dict[str, AlarmWindow], *, factor: float = 1.0
    ) -> list[dict[str, Any]]:
        """Store scores, thresholds without the factor of feedback, and alarms; return the alarms that are new."""
        rows = np.empty(len(points.times), HISTORY)
        rows["time"], rows["score"], rows["threshold"] = points.times, points.scores, points.thresholds / factor
        with translate_errors(self._scores), self._scores.open("ab") as file:
            file.write(rows.tobytes())
        self.size += len(rows)
        if self.size > 2 * MOST_POINTS:
            recent = self.history()[-MOST_POINTS:]
            with translate_errors(self._scores):
                write_atomic(self._scores, recent.tobytes())
            self.size = len(recent)
        new = []
        for alarm in points.alarms:
            window = windows.pop(alarm.id, None)
            if alarm.id not in self.ids:
                if window is not None:
                    with translate_errors(self.path):
                        write_atomic(self.path / "images" / f"{alarm.id}.svg", draw_alarm(window).encode())
                self.alarms.append(alarm.as_json())
                self.ids.add(alarm.id)
                new.append(alarm.as_json())
        return new

    def history(self) -> np.ndarray:
        """Return the stored points, as an array with the fields `time`, `score` and `threshold`."""
        if not self._scores.exists():
            return np.empty(0, HISTORY)
        data = self._scores.read_bytes()
        return np.frombuffer(data[: len(data) // HISTORY.itemsize * HISTORY.itemsize], HISTORY)

    @property
    def factor(self) -> float:
        """The factor of every threshold that feedback has set; 1 without any."""
        value = read_json(self.path / "feedback.json").get("factor", 1.0)
        return float(value) if isinstance(value, int | float) and value > 0 else 1.0

    def set_factor(self, factor: float) -> None:
        """Store the factor of every threshold; a running monitor takes it over."""
        with translate_errors(self.path):
            write_json(self.path / "feedback.json", {"factor": factor})

    @property
    def _scores(self) -> Path:
        return self.path / "scores.bin"


@dataclass
class _Retry:
    since: int
    wait_s: float = 0.0
    at: float = 0.0


class Outbox:
    """Sends every stored alarm once to each sink, in order; after a failure it waits, at most a minute.

    A sink that is new for this monitor gets no alarm from before.
    """

    def __init__(self, store: MonitorStore, sinks: Sequence[Sink], warn: Callable[[str], None]) -> None:
        self.store, self.sinks, self.warn = store, sinks, warn
        since = {row["sink"]: int(row["since"]) for row in store.sent.rows if "since" in row}
        self.done = {(row["sink"], row["id"]) for row in store.sent.rows if "id" in row}
        for sink in sinks:
            if sink.key not in since:
                since[sink.key] = len(store.alarms.rows)
                store.sent.append({"sink": sink.key, "since": since[sink.key]})
        self.retries = {sink.key: _Retry(since[sink.key]) for sink in sinks}

    def send(self) -> int:
        """Send pending alarms; return how many remain."""
        left = 0
        for sink in self.sinks:
            retry = self.retries[sink.key]
            rows = self.store.alarms.rows[retry.since :]
            waiting = [row for row in rows if (sink.key, row["id"]) not in self.done]
            while waiting and time.monotonic() >= retry.at:
                try:
                    sink.send(waiting[0])
                except DeliveryError as error:
                    if not retry.wait_s:
                        self.warn(f"{sink.title}: {error}; the alarm is kept and sent later.")
                    retry.wait_s = min(max(FIRST_RETRY_S, 2 * retry.wait_s), LAST_RETRY_S)
                    retry.at = time.monotonic() + retry.wait_s
                    break
                self.store.sent.append({"sink": sink.key, "id": waiting[0]["id"]})
                self.done.add((sink.key, waiting.pop(0)["id"]))
                retry.wait_s = 0.0
            left += len(waiting)
            if not waiting:
                retry.since = len(self.store.alarms.rows)
        return left


def draw_alarm(window: AlarmWindow) -> str:
    """Draw the window behind an alarm and what the model expected as SVG; the largest error is shaded."""
    values = np.r_[window.observed, window.expected]
    margin = 0.05 * (float(np.ptp(values)) or 1.0)
    inner = len(window.times) // 8
    places = (inner, len(window.times) - 1 - inner)
    texts = [str(np.datetime64(int(window.times[at]), "ms"))[5:16].replace("T", " ") for at in places]
    return svg.line_chart(
        [
            svg.Line(window.observed, window.times, color=VERMILLION, name="observed"),
            svg.Line(window.expected, window.times, color=BLUE, name="expected", dash="5 3"),
        ],
        svg.Axes(
            float(values.min()) - margin,
            float(values.max()) + 5 * margin,  # room for the legend
            x_ticks=[(float(window.times[at]), text) for at, text in zip(places, texts, strict=True)],
        ),
        height=180,
        windows=[(window.alarm.part_start, window.alarm.part_end)],
    )
