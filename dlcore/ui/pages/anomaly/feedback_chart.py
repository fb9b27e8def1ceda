"""Scores of a paused replay: a click marks a false alarm or a missed event, and shows its effect."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import RequestError
from dlcore.core.markdown import error_line
from dlcore.evaluation.anomaly import overlapping
from dlcore.evaluation.feedback import FeedbackEffect, removed
from dlcore.plots.monitor import FeedbackSpans, scores_with_feedback
from dlcore.runs.monitor.detector import Alarm
from dlcore.runs.monitor.replay import Mark, ReplaySession
from dlcore.ui.widgets.figure import select_on_figure

MARKS: dict[Mark, str] = {"false": "False alarm", "confirmed": "Event"}


def format_moment(time: int) -> str:
    """Format epoch milliseconds to the minute."""
    return f"{pd.Timestamp(time, unit='ms'):%Y-%m-%d %H:%M}"


def show_feedback_chart(session: ReplaySession) -> None:
    """Draw values, scores and threshold; buttons for the selected alarm or peak appear below."""
    effect = _find_effect(session)
    times, step, factor = session.array("times"), session.detector.source.step_ms, session.detector.factor
    alarms = effect.before if effect else session.alarm_ranges(factor)
    gone = removed(effect) if effect else alarms[:0]
    added = effect.after[~overlapping(effect.after, effect.before)] if effect else alarms[:0]
    spans = FeedbackSpans(*(_to_times(ranges, times, step) for ranges in (alarms, gone, added)))
    limits = session.array("thresholds")
    figure = scores_with_feedback(
        times,
        session.curves(),
        session.array("scores"),
        thresholds=limits * factor,
        proposed=limits * effect.factor if effect and effect.factor != factor else None,
        spans=spans,
    )
    alt = f"Values, scores and threshold of {len(times):,} points with {len(alarms)} alarms"
    key = f"replay-chart-{len(times)}-{factor}-{sorted(session.marks.items())}"
    selected = select_on_figure(figure, key=key, alt=alt)
    if selected is None:
        st.caption("Click an alarm, or the place of a missed event. Drag to zoom.")
        return
    _show_buttons(session, selected)


def _show_buttons(session: ReplaySession, selected: float) -> None:
    candidate = session.pick(int(selected))
    if candidate is None:
        st.caption("No score there.")
        return
    if isinstance(candidate, Alarm):
        text, choices, key = f"Alarm {format_moment(candidate.start)}", MARKS, candidate.id
    else:
        text = f"{format_moment(candidate.time)}, {100 * candidate.ratio:.0f} % of the threshold"
        choices, key = {"missed": "Missed event"}, str(candidate.time)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text, width="content")
        for mark, label in choices.items():
            if st.button(label, key=f"chart-mark-{mark}"):
                session.marks[key] = mark
                st.rerun(scope="fragment")


def _find_effect(session: ReplaySession) -> FeedbackEffect | None:
    try:
        return session.effect()
    except RequestError as error:
        st.error(error_line(error), icon=":material/error:")
        return None


def _to_times(ranges: np.ndarray, times: np.ndarray, step: int) -> list[tuple[int, int]]:
    """Return the first time and the one after the last of index ranges (A, 2)."""
    return [(int(times[start]), int(times[stop - 1]) + step) for start, stop in ranges]
