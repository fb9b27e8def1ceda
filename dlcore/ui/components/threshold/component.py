"""One threshold, many views: drawn and counted in the browser while it is dragged; Python hears when it is let go.

An alarm is a score above the threshold. Scores go to the browser in the type in which the run stored them and both
sides compare them with the threshold as 64-bit floats, so that they agree on every point.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dlcore.evaluation.anomaly import DAY
from dlcore.ui.components.mount import drawing_component, mount_reporting, pack

_THRESHOLD = drawing_component("threshold")
PARAMETER = "threshold"
"""The released threshold's name in the page's address."""
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Scope:
    """Points [start, stop) of the scores, under a name: a part of the series, or what counts are made on."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class NamedWindow:
    """A named span of time, epoch milliseconds, both ends included."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True)
class ThresholdWording:
    """What the things counted are called: `positive` is one of what is sought, `call` what the model says of it."""

    positive: str = "event"
    positives: str = "labelled points"
    negatives: str = "ordinary points"
    call: str = "alarm"
    calls: str = "alarms"


@dataclass(frozen=True)
class SeriesAxis:
    """When the scores are those of a series: times (N,) epoch milliseconds, rising; its values (N,), what they are
    (with their unit), named windows, and spans that are known but carry no label."""

    times: np.ndarray
    values: np.ndarray | None = None
    value: str = ""
    windows: tuple[NamedWindow, ...] = ()
    plausible: tuple[NamedWindow, ...] = ()


@dataclass(frozen=True)
class CountingMode:
    """How it is counted: `inclusive`, whether a score equal to the threshold counts; `axis`, the ends of the scores'
    axis where they are known; `ratio`, how many false alarms a missed event costs at the start."""

    inclusive: bool = False
    axis: tuple[float, float] | None = None
    ratio: float = 10.0


@dataclass(frozen=True)
class ThresholdView:
    """What the component shows.

    scores (N,), higher = stranger (or more surely positive); labels (N,) 0 or 1, or None; `own` is the run's own
    threshold; `scopes` are what counts may be made on, the first at the start; `parts` are named along the time axis;
    `rules` the points (training or validation, never test) from which rules make thresholds; `marks` further
    thresholds to jump to, with their names.
    """

    scores: np.ndarray
    labels: np.ndarray | None
    own: float
    scopes: tuple[Scope, ...]
    parts: tuple[Scope, ...] = ()
    rules: Scope | None = None
    over: SeriesAxis | None = None
    score: str = "score"
    words: ThresholdWording = ThresholdWording()
    marks: tuple[tuple[str, float], ...] = ()
    counted: CountingMode = CountingMode()


@dataclass(frozen=True)
class ReleasedThreshold:
    """What a person left: the threshold, the alarm chosen (a place in the scores), windows marked by hand."""

    threshold: float
    alarm: int | None
    marked: tuple[NamedWindow, ...]


def show_threshold(judged: ThresholdView, *, key: str) -> ReleasedThreshold:
    """Draw the component and give what was last released; its address parameter is `threshold`.

    `key` names the run: a threshold in the address or from an earlier visit is taken up for the same key alone.
    """
    widget = f"threshold-{key}"
    if widget not in st.session_state:  # it is mounted anew: begin where this person left it
        st.session_state[f"{widget}-start"] = _start(judged, key)
    start: ReleasedThreshold = st.session_state[f"{widget}-start"]
    data = _data(judged, start)
    data["version"] = _version(data)
    defaults = {"threshold": start.threshold, "alarm": start.alarm, "marked": data["marked"]}
    found = mount_reporting(_THRESHOLD, data, key=widget, defaults=defaults)
    marked = tuple(NamedWindow(int(a), int(b), f"yours {i}") for i, (a, b) in enumerate(found["marked"] or (), start=1))
    alarm = found["alarm"]
    released = ReleasedThreshold(float(found["threshold"]), None if alarm is None else int(alarm), marked)
    _remember(released, judged, key)
    return released


def _start(judged: ThresholdView, key: str) -> ReleasedThreshold:
    kept = st.session_state.get(f"released-{key}")
    if isinstance(kept, ReleasedThreshold):
        return kept
    owner = st.session_state.get("threshold-in-address")
    wanted = _number(st.query_params.get(PARAMETER, "")) if owner in (None, key) else None
    return ReleasedThreshold(judged.own if wanted is None else wanted, None, ())


def _remember(released: ReleasedThreshold, judged: ThresholdView, key: str) -> None:
    """Keep it for the next visit, and in the address where it is not the run's own."""
    st.session_state[f"released-{key}"] = released
    st.session_state["threshold-in-address"] = key
    text = "" if released.threshold == judged.own else repr(released.threshold)
    if text and st.query_params.get(PARAMETER) != text:
        st.query_params[PARAMETER] = text
    elif not text and PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _data(judged: ThresholdView, start: ReleasedThreshold) -> dict[str, Any]:
    """All that the browser needs; arrays packed, the same at every rerun so that it is sent once."""
    over = judged.over
    data: dict[str, Any] = {
        "scores": pack(_sent(judged.scores), dtype=str(_sent(judged.scores).dtype)),
        "labels": None if judged.labels is None else pack(judged.labels, dtype="uint8"),
        "values": None,
        "times": None,
        "step_ms": 0,
        "begin_ms": 0,
        "gap": 0,
        "windows": [],
        "plausible": [],
        "own": judged.own,
        "start": start.threshold,
        "scope": 0,
        "k": 3,
        "quantile": 0.995,
        "scopes": _stretches(judged.scopes),
        "parts": _stretches(judged.parts),
        "score": judged.score,
        "value": "",
        "rules": _stretches((judged.rules,))[0] if judged.rules else None,
        "marks": [{"name": name, "value": value} for name, value in judged.marks],
        **vars(judged.counted),
        "words": vars(judged.words),
        "marked": [[w.start, w.end] for w in start.marked],
    }
    return data | (_over(over) if over is not None else {})


def _sent(scores: np.ndarray) -> np.ndarray:
    """Scores as they are sent: float32 stays, all else becomes float64; what is no number never raises an alarm."""
    kept = scores if scores.dtype == np.float32 else scores.astype(np.float64)
    return np.where(np.isnan(kept), -np.inf, kept).astype(kept.dtype)


def _over(over: SeriesAxis) -> dict[str, Any]:
    steps = np.diff(over.times)
    step = float(np.median(steps)) if len(steps) else float(_DAY_MS)
    even = bool((steps == step).all())
    return {
        "times": None if even else pack(over.times, dtype="float64"),
        "begin_ms": float(over.times[0]),
        "step_ms": step,
        "gap": points_per_day(step),
        "value": over.value,
        "values": None if over.values is None else pack(over.values),
        "windows": [vars(window) for window in over.windows],
        "plausible": [vars(window) for window in over.plausible],
    }


def points_per_day(step_ms: float) -> int:
    """Points within which two alarms are one burst: a day's, at least one; half-hours have 48, as in `evaluation`."""
    return max(1, round(_DAY_MS / step_ms)) if step_ms > 0 else DAY


def _stretches(stretches: Sequence[Scope]) -> list[dict[str, Any]]:
    return [vars(stretch) for stretch in stretches]


def _version(data: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=12).hexdigest()
