"""Decision threshold: drawn and counted in the browser while it is dragged; Python is notified on release.

An alarm is a score above the threshold. Scores go to the browser in the type in which the run stored them and both
sides compare them with the threshold as 64-bit floats, so that they agree on every point.
"""

import numpy as np
import streamlit as st

from dlcore.runs.views.threshold import NamedWindow, ReleasedThreshold, ThresholdView, threshold_data
from dlcore.ui.components.mount import drawing_component, mount_reporting
from dlcore.ui.shell.address import read_owned, write_owned

_THRESHOLD = drawing_component("threshold")
PARAMETER, ALARM, LABELS = "threshold", "threshold-alarm", "threshold-labels"
"""Query parameters: the released threshold, the index of the selected alarm, and start and end of manual labels."""


def show_threshold(view: ThresholdView, *, key: str, labels: tuple[NamedWindow, ...] = ()) -> ReleasedThreshold:
    """Render the component and return its state at the last release.

    `labels` are the manual labels at the first render; those of a link come before them. `key` identifies the run: a
    state from the address or an earlier visit applies to the same key only.
    """
    widget = f"threshold-{key}"
    if widget not in st.session_state:  # first render since the page was opened
        st.session_state[f"{widget}-start"] = _initial_state(view, key, labels)
    start: ReleasedThreshold = st.session_state[f"{widget}-start"]
    data = threshold_data(view, start)
    defaults = {"threshold": start.threshold, "alarm": start.alarm, "labels": data["manual_labels"]}
    state = mount_reporting(_THRESHOLD, data, key=widget, defaults=defaults)
    labels = tuple(NamedWindow(int(a), int(b), f"label {i}") for i, (a, b) in enumerate(state["labels"] or (), start=1))
    alarm = None if state["alarm"] is None else int(state["alarm"])
    released = ReleasedThreshold(float(state["threshold"]), alarm, labels)
    _save_state(released, view, key)
    return released


def start_with(released: ReleasedThreshold, *, key: str) -> None:
    """Let the component of that key, not drawn so far, begin with a threshold and labels."""
    st.session_state[f"released-{key}"] = released


def _initial_state(view: ThresholdView, key: str, labels: tuple[NamedWindow, ...]) -> ReleasedThreshold:
    saved = st.session_state.get(f"released-{key}")
    if isinstance(saved, ReleasedThreshold):
        return saved
    threshold, alarm = (_parse_float(read_owned(name, key)) for name in (PARAMETER, ALARM))
    point = None if alarm is None or not 0 <= alarm < len(view.scores) else int(alarm)
    linked = _parse_windows(read_owned(LABELS, key))
    return ReleasedThreshold(view.run_threshold if threshold is None else threshold, point, linked or labels)


def _save_state(released: ReleasedThreshold, view: ThresholdView, key: str) -> None:
    """Save the state for the next visit and in the address, there without the run's own threshold."""
    st.session_state[f"released-{key}"] = released
    write_owned(PARAMETER, "" if released.threshold == view.run_threshold else repr(released.threshold), key)
    write_owned(ALARM, "" if released.alarm is None else str(released.alarm), key)
    write_owned(LABELS, ",".join(f"{label.start}~{label.end}" for label in released.labels), key)


def _parse_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _parse_windows(text: str) -> tuple[NamedWindow, ...]:
    """Return the valid windows of "start~end,start~end", in epoch milliseconds."""
    windows: list[NamedWindow] = []
    for window in text.split(","):
        start, end = (_parse_float(part) for part in window.partition("~")[::2])
        if start is not None and end is not None and start <= end:
            windows.append(NamedWindow(int(start), int(end), f"label {len(windows) + 1}"))
    return tuple(windows)
