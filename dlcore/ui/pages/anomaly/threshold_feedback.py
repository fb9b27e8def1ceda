"""Feedback on the score chart of the Results panel: false alarms, missed events, and their effect on the threshold."""

import numpy as np
import streamlit as st

from dlcore.core.errors import RequestError
from dlcore.evaluation import feedback
from dlcore.evaluation.feedback import removed
from dlcore.runs import Run
from dlcore.runs.views.threshold import ReleasedThreshold, SplitScores
from dlcore.ui.pages.anomaly.data import day
from dlcore.ui.shell.address import read_owned, write_owned

DAY_MS = 86_400_000
FALSE = "false-alarms"
"""Query parameter with the indices of alarms marked as false."""


def show_threshold_feedback(run: Run, splits: dict[str, SplitScores], released: ReleasedThreshold) -> float | None:
    """Offer to mark the selected alarm as false; show what that and the labels drawn by hand would change.

    Returns the threshold to apply, once its button is pressed.
    """
    times, scores = (np.concatenate([getattr(part, name) for part in splits.values()]) for name in ("times", "errors"))
    key = f"feedback-{run.run_id}"
    if key not in st.session_state:
        linked = [int(text) for text in read_owned(FALSE, key).split(",") if text.isdecimal()]
        st.session_state[key] = [point for point in linked if point < len(scores)]
    false: list[int] = st.session_state[key]
    events = [
        (int(np.searchsorted(times, label.start)), int(np.searchsorted(times, label.end, "right")))
        for label in released.labels
    ]
    missed = sum(not (scores[start:stop] > released.threshold).any() for start, stop in events)
    with st.container(horizontal=True):
        if released.alarm is not None and released.alarm not in false and scores[released.alarm] > released.threshold:
            moment = day(int(times[released.alarm]))
            if st.button(f"False alarm: {moment}", icon=":material/thumb_down:", key=f"{key}-false"):
                false.append(released.alarm)
        write_owned(FALSE, ",".join(map(str, false)), key)
        text = f"Missed event: {missed} of your labels {'has' if missed == 1 else 'have'} no alarm"
        is_missed = missed > 0 and st.toggle(text, key="missed-events", bind="query-params")
    if not false and not is_missed:
        return None
    gap = max(1, round(DAY_MS / float(np.median(np.diff(times)))))
    try:
        effect = feedback.propose_threshold(scores, released.threshold, false=false, events=events, gap=gap)
    except RequestError:  # none of the marked points is an alarm at this threshold
        return None
    proposed = released.threshold * effect.factor
    gone = ", ".join(day(int(times[start])) for start, _ in removed(effect))
    text = f"{effect.describe()} New threshold {proposed:.4g}.{f' No alarm any more: {gone}.' if gone else ''}"
    st.info(text, icon=":material/tune:")
    with st.container(horizontal=True):
        if st.button("Apply", type="primary", key=f"{key}-apply"):
            false.clear()
            return proposed
        if st.button("Discard", key=f"{key}-discard"):
            false.clear()
            st.rerun(scope="fragment")
    return None
