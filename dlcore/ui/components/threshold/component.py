"""Decision threshold: drawn and counted in the browser while it is dragged; Python is notified on release.

An alarm is a score above the threshold. Scores go to the browser in the type in which the run stored them and both
sides compare them with the threshold as 64-bit floats, so that they agree on every point.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from dlcore.evaluation.anomaly import event_gap
from dlcore.ui.components.mount import drawing_component, mount_reporting, pack

_THRESHOLD = drawing_component("threshold")
PARAMETER = "threshold"
"""Query parameter with the released threshold."""
_DAY_MS, _HOUR_MS = 86_400_000, 3_600_000


@dataclass(frozen=True)
class Scope:
    """A named range [start, stop) of scores: a part of the series, or the points that are counted."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class RuleScores:
    """The scores from which threshold rules are computed: their name and index ranges [start, stop)."""

    name: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class NamedWindow:
    """A named interval of time in epoch milliseconds, both ends included."""

    start: int
    end: int
    name: str = ""


@dataclass(frozen=True)
class ThresholdWording:
    """Names for a positive sample, for positives and negatives, and for one and several positive predictions."""

    positive: str = "event"
    positives: str = "labeled points"
    negatives: str = "unlabeled points"
    call: str = "alarm"
    calls: str = "alarms"


@dataclass(frozen=True)
class SeriesAxis:
    """Time axis of scores that belong to a series.

    times (N,) epoch milliseconds, increasing; values (N,) of the series and their name with unit; labeled windows;
    `plausible` windows are known events without a label.
    """

    times: np.ndarray
    values: np.ndarray | None = None
    value_name: str = ""
    windows: tuple[NamedWindow, ...] = ()
    plausible: tuple[NamedWindow, ...] = ()


@dataclass(frozen=True)
class CountingMode:
    """How samples are counted.

    `inclusive`: a score equal to the threshold is positive; `axis`: limits of the score axis if known; `ratio`: initial
    cost of a missed event in false alarms.
    """

    inclusive: bool = False
    axis: tuple[float, float] | None = None
    ratio: float = 10.0


@dataclass(frozen=True)
class ThresholdView:
    """Input of the component.

    scores (N,), higher is more anomalous (or more probably positive); labels (N,) 0 or 1, or None; `scopes` are the
    ranges that can be counted, the first one initially; `parts` are named on the time axis; `rules` are the scores
    (of training or validation, never test) from which threshold rules are computed; `references` are further thresholds
    with their names.
    """

    scores: np.ndarray
    labels: np.ndarray | None
    run_threshold: float
    scopes: tuple[Scope, ...]
    parts: tuple[Scope, ...] = ()
    rules: RuleScores | None = None
    series: SeriesAxis | None = None
    score_name: str = "score"
    wording: ThresholdWording = ThresholdWording()
    references: tuple[tuple[str, float], ...] = ()
    counting: CountingMode = CountingMode()


@dataclass(frozen=True)
class ReleasedThreshold:
    """State set by the user: the threshold, the index of the selected alarm, manual labels."""

    threshold: float
    alarm: int | None
    labels: tuple[NamedWindow, ...]


def show_threshold(view: ThresholdView, *, key: str, labels: tuple[NamedWindow, ...] = ()) -> ReleasedThreshold:
    """Render the component and return its state at the last release.

    `labels` are the manual labels at the first render. `key` identifies the run: a threshold from the query parameter
    or an earlier visit applies to the same key only.
    """
    widget = f"threshold-{key}"
    if widget not in st.session_state:  # first render since the page was opened
        st.session_state[f"{widget}-start"] = _initial_state(view, key, labels)
    start: ReleasedThreshold = st.session_state[f"{widget}-start"]
    data = _data(view, start)
    data["version"] = _version(data)
    defaults = {"threshold": start.threshold, "alarm": start.alarm, "labels": data["manual_labels"]}
    state = mount_reporting(_THRESHOLD, data, key=widget, defaults=defaults)
    labels = tuple(NamedWindow(int(a), int(b), f"label {i}") for i, (a, b) in enumerate(state["labels"] or (), start=1))
    alarm = None if state["alarm"] is None else int(state["alarm"])
    released = ReleasedThreshold(float(state["threshold"]), alarm, labels)
    _save_state(released, view, key)
    return released


def _initial_state(view: ThresholdView, key: str, labels: tuple[NamedWindow, ...]) -> ReleasedThreshold:
    saved = st.session_state.get(f"released-{key}")
    if isinstance(saved, ReleasedThreshold):
        return saved
    is_for_this_run = st.session_state.get("threshold-in-address") in (None, key)
    threshold = _parse_float(st.query_params.get(PARAMETER, "")) if is_for_this_run else None
    return ReleasedThreshold(view.run_threshold if threshold is None else threshold, None, labels)


def _save_state(released: ReleasedThreshold, view: ThresholdView, key: str) -> None:
    """Save the state for the next visit; a threshold other than the run's own also goes to the query parameter."""
    st.session_state[f"released-{key}"] = released
    st.session_state["threshold-in-address"] = key
    text = "" if released.threshold == view.run_threshold else repr(released.threshold)
    if text and st.query_params.get(PARAMETER) != text:
        st.query_params[PARAMETER] = text
    elif not text and PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def _parse_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _data(view: ThresholdView, start: ReleasedThreshold) -> dict[str, Any]:
    """Return the data for the browser; the same at every rerun, so it is sent once."""
    scores = _finite_scores(view.scores)
    data: dict[str, Any] = {
        "scores": pack(scores, dtype=str(scores.dtype)),
        "labels": None if view.labels is None else pack(view.labels, dtype="uint8"),
        "values": None,
        "times": None,
        "step_ms": 0,
        "begin_ms": 0,
        "gap": 0,
        "windows": [],
        "plausible": [],
        "run_threshold": view.run_threshold,
        "start": start.threshold,
        "scope": 0,
        "k": 3,
        "quantile": 0.995,
        "scopes": [vars(scope) for scope in view.scopes],
        "parts": [vars(part) for part in view.parts],
        "score_name": view.score_name,
        "value_name": "",
        "rules": vars(view.rules) if view.rules else None,
        "references": [{"name": name, "value": value} for name, value in view.references],
        **vars(view.counting),
        "wording": vars(view.wording),
        "manual_labels": [[window.start, window.end] for window in start.labels],
    }
    counted = view.scopes[0].stop - view.scopes[0].start
    return data | (_series_data(view.series, counted) if view.series is not None else {})


def _finite_scores(scores: np.ndarray) -> np.ndarray:
    """Return float32 scores unchanged, all others as float64; NaN becomes -inf and never raises an alarm."""
    floats = scores if scores.dtype == np.float32 else scores.astype(np.float64)
    return np.where(np.isnan(floats), -np.inf, floats).astype(floats.dtype)


def _series_data(series: SeriesAxis, counted: int) -> dict[str, Any]:
    steps = np.diff(series.times)
    step = float(np.median(steps)) if len(steps) else float(_DAY_MS)
    is_even = bool((steps == step).all())
    return {
        "times": None if is_even else pack(series.times, dtype="float64"),
        "begin_ms": float(series.times[0]),
        "step_ms": step,
        "gap": event_gap(step / _HOUR_MS, counted) if step > 0 else 1,
        "value_name": series.value_name,
        "values": None if series.values is None else pack(series.values),
        "windows": [vars(window) for window in series.windows],
        "plausible": [vars(window) for window in series.plausible],
    }


def _version(data: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(data, sort_keys=True).encode(), digest_size=12).hexdigest()
