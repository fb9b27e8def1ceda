"""Feedback on the chart of a paused replay: a selection is marked, and its effect is shown before it is applied."""

import numpy as np
from streamlit.testing.v1 import AppTest

from dlcore.runs.monitor import replay  # noqa: F401 (imports torch before the clock of the app runs)


def script():
    import numpy as np
    import streamlit as st

    from dlcore import runs
    from dlcore.data.series.series import Series
    from dlcore.runs.monitor.monitor import make_detector
    from dlcore.runs.monitor.replay import start_replay
    from dlcore.ui.pages.anomaly import feedback_chart

    if "session" not in st.session_state:
        at = np.arange(500)
        values = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
        for place, value in {100: 400_000, 250: 90_000, 400: 300_000}.items():
            values[place] = value
        detector = make_detector(runs.open_run("reference:anomaly/conv"), "series", 1_800_000, gap=20)
        series = Series(1_600_000_000_000 + at * 1_800_000, values)
        st.session_state["session"] = start_replay(detector, series, name="series", speed=0)
        st.session_state["session"].advance()
    feedback_chart.show_feedback_chart(st.session_state["session"])


def test_a_selected_alarm_is_marked_and_the_effect_is_drawn(monkeypatch):
    selected, figures = [], []

    def select(figure, *, key, alt):
        figures.append({trace.name for trace in figure.data})
        return selected[0] if selected else None

    monkeypatch.setattr("dlcore.ui.pages.anomaly.feedback_chart.select_on_figure", select)
    monkeypatch.setattr("streamlit.rerun", lambda **scope: None)
    app = AppTest.from_function(script, default_timeout=400).run()
    session = app.session_state["session"]
    assert not app.exception and "Click an alarm" in app.caption[0].value and "alarm" in figures[-1]
    lowest = min(session.alarms, key=lambda alarm: alarm.score)
    selected.append(float(lowest.start))
    app.run()
    app.button(key="chart-mark-false").click().run()
    assert session.marks == {lowest.id: "false"} and session.detector.factor == 1
    app.run()
    assert {"proposed threshold", "no alarm any more"} <= figures[-1]
    quiet = float(session.array("times")[np.argmin(session.ratios[150:240]) + 150])
    selected[0] = quiet
    app.run()
    app.button(key="chart-mark-missed").click().run()
    assert sorted(session.marks.values()) == ["false", "missed"]
