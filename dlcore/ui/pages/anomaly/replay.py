"""Replay of the Predict panel: the run's series point by point, its alarms, and feedback on them."""

import base64
import html
import itertools

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.data.series.intervals import format_duration
from dlcore.evaluation.adaptive_threshold import KINDS, Kind
from dlcore.evaluation.feedback import removed
from dlcore.plots import svg
from dlcore.plots.palette import BLUE, ORDER, VERMILLION
from dlcore.runs import Bundle, Run
from dlcore.runs.monitor.detector import Alarm
from dlcore.runs.monitor.monitor import ThresholdSettings, make_detector
from dlcore.runs.monitor.replay import Mark, ReplaySession, start_replay
from dlcore.ui.pages.anomaly.data import series_of
from dlcore.ui.pages.anomaly.feedback_chart import MARKS, format_moment, show_feedback_chart
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import run_cache

EVERY_S = 0.5
"""Seconds between two updates of the chart."""
DAY_S = 86_400.0
SPEEDS = (60.0, 1000.0, DAY_S, 7 * DAY_S, 28 * DAY_S)
SPEED_LABELS = {DAY_S: "1 day a second", 7 * DAY_S: "1 week a second", 28 * DAY_S: "4 weeks a second"}
SCORE_COLOR = "#6F7B8A"


def replay(run: Run, bundle: Bundle) -> None:
    """Choose threshold and speed, then draw the replay in a fragment that repeats while it plays."""
    series = series_of(run.config)
    first, second, third = st.columns([3, 3, 2], vertical_alignment="bottom")
    kind: Kind = first.selectbox(
        "Threshold",
        list(KINDS),
        format_func=KINDS.__getitem__,
        key="replay-threshold",
        bind="query-params",
        help="Adaptive thresholds learn from earlier scores, and aim at one false alarm in 1,000 points.",
    )
    speed: float = second.selectbox(
        "Speed",
        SPEEDS,
        index=2 if series.step_ms >= 60_000 else 1,
        key="replay-speed",
        bind="query-params",
        format_func=lambda value: _describe_speed(value, series.step_ms),
        help="Times real time.",
    )
    key = (run_cache.bundle_key(bundle), kind)
    with third.container(horizontal=True):
        is_playing = st.toggle("Play", value=True, key="replay-play")
        if st.button("Restart", icon=":material/replay:", key="replay-restart"):
            st.session_state.pop("replay-session", None)
    if st.session_state.get("replay-session", ("",))[0] != key:
        detector = make_detector(run, run.config.dataset, series.step_ms, threshold=ThresholdSettings(kind))
        started = start_replay(detector, series, name=dataset_title(run.config.dataset), speed=speed)
        st.session_state["replay-session"] = (key, started)
    session: ReplaySession = st.session_state["replay-session"][1]
    if session.replay.speed != speed or not is_playing:
        session.replay.set_speed(speed)
    fragment(_play, run_every=EVERY_S if is_playing and not session.is_over else None)(session, is_playing)


def _describe_speed(speed: float, step_ms: int) -> str:
    label = SPEED_LABELS.get(speed, f"{speed:,.0f}x")
    points = 1000 * speed / step_ms
    return f"{label}: {points:,.0f} points a second" if points >= 10 else f"{label}: {points:.2g} points a second"


def _play(session: ReplaySession, is_playing: bool) -> None:
    """Score what is due, and draw everything."""
    if is_playing and not session.is_over:
        session.advance()
        if session.is_over:
            st.rerun()  # without the timer
    n, total = len(session.array("times")), len(session.replay.series.times)
    st.progress(n / total, text=f"{n:,} of {total:,} points, {len(session.alarms)} alarms")
    if n < 2:
        st.info("Press Play: each point is scored when it arrives.", icon=":material/play_arrow:")
        return
    if is_playing and not session.is_over:
        _show_charts(session)
    else:
        show_feedback_chart(session)
    _show_alarms(session)


def _show_charts(session: ReplaySession) -> None:
    times, curves = session.array("times"), session.curves()
    scores, limits = session.array("scores"), session.array("thresholds") * session.detector.factor
    above = np.where(scores > limits, scores, np.nan)
    known = limits[np.isfinite(limits)]
    top = 1.1 * max(float(scores.max()), float(known.max()) if len(known) else 0.0) or 1.0
    spans = [(alarm.start, alarm.start + session.detector.source.step_ms) for alarm in session.alarms]
    ticks = _time_ticks(times)
    stacked = np.stack(list(curves.values()))
    low, high = float(stacked.min()), float(stacked.max())
    margin = 0.05 * ((high - low) or 1.0)
    axes = svg.Axes(low - margin, high + margin, x_ticks=ticks)
    colors = zip(curves.items(), itertools.cycle(ORDER))
    value_lines = [
        svg.Line(values, times, width=1.0, color=color, name=name if len(curves) > 1 else "")
        for (name, values), color in colors
    ]
    _draw(svg.line_chart(value_lines, axes, height=120, windows=spans), "Values so far", 120)
    lines = [
        svg.Line(scores, times, color=SCORE_COLOR, name="score", width=1.0),
        svg.Line(np.where(np.isfinite(limits), limits, np.nan), times, color=BLUE, name="threshold"),
        svg.Line(above, times, color=VERMILLION, name="alarm", width=2.5),
    ]
    _draw(svg.line_chart(lines, svg.Axes(0.0, top, x_ticks=ticks), height=170, windows=spans), "Scores so far", 170)


def _time_ticks(times: np.ndarray) -> list[tuple[float, str]]:
    moments = np.linspace(float(times[0]), float(times[-1]), 7)[1:-1]
    form = "%d %b" if times[-1] - times[0] > 4 * 86_400_000 else "%d %b %H:%M"
    return [(moment, pd.Timestamp(int(moment), unit="ms").strftime(form)) for moment in moments.tolist()]


def _draw(frame: str, alt: str, height: int) -> None:
    data = base64.b64encode(frame.encode()).decode("ascii")
    image = f'<img style="width:100%;height:100%" alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">'
    st.html(f'<div style="height:{height}px">{image}</div>')


def _show_alarms(session: ReplaySession) -> None:
    """List the alarms with reasons, latest first, and take feedback on the selected one."""
    if session.alarms:
        alarms = session.alarms[::-1]
        selection = st.dataframe(
            [_row(alarm, session.marks.get(alarm.id)) for alarm in alarms],
            hide_index=True,
            width="stretch",
            on_select="rerun",
            selection_mode="single-row",
            key=f"replay-alarms-{len(alarms)}-{session.detector.factor}",
        )
        rows = selection["selection"]["rows"]
        selected = alarms[rows[0]] if rows else None
        _show_alarm(session, selected)
    else:
        st.caption("No alarm so far.")
    _show_missed(session)
    _show_effect(session)


def _row(alarm: Alarm, mark: Mark | None) -> dict[str, object]:
    return {
        "Start": format_moment(alarm.start),
        "Score / threshold": round(alarm.score / alarm.threshold, 2) if alarm.threshold > 0 else None,
        "Reason": alarm.reason,
        "Feedback": MARKS.get(mark, "") if mark else "",
    }


def _show_alarm(session: ReplaySession, alarm: Alarm | None) -> None:
    if alarm is None:
        st.caption("Select an alarm to see the window behind it and to give feedback.")
        return
    if window := session.detector.windows.get(alarm.id):
        from dlcore.runs.monitor.store import draw_alarm

        _draw(draw_alarm(window), "Window behind the alarm, and what the model expected", 180)
        step = session.detector.source.step_ms
        part = format_duration(alarm.part_end - alarm.part_start + step)
        st.caption(f"{alarm.reason} Shaded: the {part} with half of the window's error.")
    with st.container(horizontal=True):
        for mark, label in MARKS.items():
            if st.button(label, key=f"replay-mark-{mark}"):
                session.marks[alarm.id] = mark
                st.rerun(scope="fragment")


def _show_missed(session: ReplaySession) -> None:
    candidates = {str(peak.time): peak for peak in session.candidates()}
    with st.expander("Missed event"):
        if not candidates:
            st.caption("No score without an alarm so far.")
            return
        place = st.selectbox(
            "Highest scores without an alarm",
            list(candidates),
            format_func=lambda key: f"{format_moment(int(key))}, {100 * candidates[key].ratio:.0f} % of the threshold",
            key="replay-missed",
        )
        if st.button("This was an event", key="replay-mark-missed"):
            session.marks[place] = "missed"
            st.rerun(scope="fragment")


def _show_effect(session: ReplaySession) -> None:
    """Show what the feedback would change, before it is applied."""
    effect = session.effect()
    if effect is None:
        return
    gone = ", ".join(format_moment(int(session.array("times")[start])) for start, _ in removed(effect))
    st.info(f"{effect.describe()}{f' No alarm any more: {gone}.' if gone else ''}", icon=":material/tune:")
    with st.container(horizontal=True):
        if st.button("Apply", type="primary", key="replay-apply"):
            session.apply()
            st.rerun(scope="fragment")
        if st.button("Discard", key="replay-discard"):
            session.marks.clear()
            st.rerun(scope="fragment")
