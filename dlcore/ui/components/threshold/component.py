"""Decision threshold: drawn and counted in the browser while it is dragged; Python is notified on release.

An alarm is a score above the threshold. Scores go to the browser in the type in which the run stored them and both
sides compare them with the threshold as 64-bit floats, so that they agree on every point.
"""

import numpy as np
import streamlit as st

from dlcore.runs.views.threshold import NamedWindow, ReleasedThreshold, ThresholdView, threshold_data
from dlcore.ui.components.mount import drawing_component, mount_reporting
from dlcore.ui.shell.address import write_param

_THRESHOLD = drawing_component("threshold")
PARAMETER = "threshold"
"""Query parameter with the released threshold."""


def show_threshold(view: ThresholdView, *, key: str, labels: tuple[NamedWindow, ...] = ()) -> ReleasedThreshold:
    """Render the component and return its state at the last release.

    `labels` are the manual labels at the first render. `key` identifies the run: a threshold from the query parameter
    or an earlier visit applies to the same key only.
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
    is_for_this_run = st.session_state.get("threshold-in-address") in (None, key)
    threshold = _parse_float(st.query_params.get(PARAMETER, "")) if is_for_this_run else None
    return ReleasedThreshold(view.run_threshold if threshold is None else threshold, None, labels)


def _save_state(released: ReleasedThreshold, view: ThresholdView, key: str) -> None:
    """Save the state for the next visit; a threshold other than the run's own also goes to the query parameter."""
    st.session_state[f"released-{key}"] = released
    st.session_state["threshold-in-address"] = key
    text = "" if released.threshold == view.run_threshold else repr(released.threshold)
    write_param(PARAMETER, text)


def _parse_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
