"""Feedback on the chart of a paused replay: a click marks an alarm, a drag a missed event; the effect comes first."""

from pathlib import Path

import pytest
from server import calm, server

SCRIPT = """
import numpy as np
import streamlit as st

from dlcore import runs
from dlcore.data.series.series import Series
from dlcore.runs.monitor.monitor import make_detector
from dlcore.runs.monitor.replay import start_replay
from dlcore.ui.pages.anomaly.feedback_chart import show_feedback_chart

STEP = 1_800_000


@st.fragment
def show():
    if "session" not in st.session_state:
        at = np.arange(500)
        values = 15_000 + 6_000 * np.sin(2 * np.pi * at / 48)
        for place, value in {100: 400_000, 250: 90_000, 400: 300_000}.items():
            values[place] = value
        detector = make_detector(runs.open_run("reference:anomaly/conv"), "series", STEP, gap=20)
        session = start_replay(detector, Series(1_600_000_000_000 + at * STEP, values), name="series", speed=0)
        session.advance()
        st.session_state["session"] = session
    session = st.session_state["session"]
    show_feedback_chart(session)
    effect = session.effect()
    st.text(f"marks {sorted(session.marks.values())} factor {session.detector.factor} "
            f"alarms {len(session.alarms)} {effect.describe() if effect else ''}")


st.set_page_config(layout="wide")
show()
"""


@pytest.fixture(scope="module")
def page(chromium, tmp_path_factory):
    folder = tmp_path_factory.mktemp("feedback")
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    with server(folder / "home", script=str(folder / "script.py")) as url:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(180_000)
        page.goto(url)  # the first run imports torch
        calm(page, seconds=240)
        yield page
        page.close()


@pytest.mark.timeout(600)
def test_a_click_marks_an_alarm_and_a_drag_a_missed_event(page, tmp_path: Path):
    page.get_by_text("marks [] factor 1.0 alarms 3").wait_for()
    marker = page.locator(".js-plotly-plot g.trace.scatter").last.locator("path.point").nth(1)
    box = marker.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 40, y + 40)
    page.mouse.move(x, y, steps=4)
    page.locator(".js-plotly-plot .hoverlayer text").first.wait_for(state="attached")
    page.mouse.down()
    page.mouse.up()
    page.get_by_role("button", name="False alarm").click()
    page.get_by_text("marks ['false'] factor 1.0 alarms 3 Threshold +").wait_for()  # shown, not applied
    page.locator(".js-plotly-plot .legend").get_by_text("proposed threshold").wait_for()
    page.locator(".js-plotly-plot .legend").get_by_text("no alarm any more").wait_for()
    calm(page)
    plot = page.locator(".js-plotly-plot .plot").last.bounding_box()
    x, y = plot["x"] + 0.3 * plot["width"], plot["y"] + 0.6 * plot["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=4)
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="Missed event").click()
    page.get_by_text("marks ['false', 'missed'] factor 1.0 alarms 3").wait_for()
