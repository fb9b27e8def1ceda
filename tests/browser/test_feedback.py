"""Feedback on alarms in a real browser: a click shows its effect, and only Apply moves the threshold."""

import re

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect
from server import calm, visit, wait_until

pytestmark = pytest.mark.browser
WITHIN = 120_000
RUN = "reference:anomaly/conv"
THRESHOLD = "document.querySelector('.dlt').dlcore.t"
QUIET = ("2014-09-16 00:00", "2014-09-16 23:30")
"""A day without an alarm."""
MARKER = """
(() => {
  const chart = document.querySelector(".js-plotly-plot");
  const number = chart?._fullData?.findIndex((trace) => trace.name === "alarm" && trace.x.length) ?? -1;
  if (number < 0) return null;
  const { x, y, xaxis, yaxis } = chart._fullData[number];
  const axis = (name) => chart._fullLayout[name.replace(/^([xy])/, "$1axis")];
  const [across, up, box] = [axis(xaxis), axis(yaxis), chart.getBoundingClientRect()];
  const place = (a, value) => a._offset + a.d2p(value);
  return { x: box.x + place(across, x[0]), y: box.y + place(up, y[0]) };
})()
"""
"""Where the first alarm of the replay's chart is on the screen."""


def open_results(page: Page, address: str) -> float:
    visit(page, f"{address}/anomaly?panel=results&run={RUN}", seconds=120)
    page.locator(".dlt[data-drawn]").wait_for(timeout=WITHIN)
    return float(page.evaluate(THRESHOLD))


def test_a_false_alarm_raises_the_threshold_once_it_is_applied(address, page):
    before = open_results(page, address)
    page.locator(".dlt-alarms .dlt-row").last.click()
    page.get_by_role("button", name=re.compile("False alarm: ")).click(timeout=WITHIN)
    expect(page.get_by_text("New threshold")).to_be_visible(timeout=WITHIN)
    assert page.evaluate(THRESHOLD) == before
    page.get_by_role("button", name="Apply", exact=True).click()
    wait_until(page, f"document.querySelector('.dlt')?.dlcore?.t > {before}", timeout=WITHIN)
    calm(page, seconds=120)
    expect(page.get_by_text("New threshold")).to_have_count(0)


def test_a_missed_event_lowers_the_threshold_once_it_is_applied(address, page):
    before = open_results(page, address)
    for field, value in zip((".dlt-from", ".dlt-to"), QUIET, strict=True):
        page.locator(field).fill(value)
    page.locator(".dlt-add").click()
    page.get_by_text(re.compile("Missed event: 1 of your labels")).click(timeout=WITHIN)
    expect(page.get_by_text("New threshold")).to_be_visible(timeout=WITHIN)
    assert page.evaluate(THRESHOLD) == before
    page.get_by_role("button", name="Apply", exact=True).click()
    wait_until(page, f"document.querySelector('.dlt')?.dlcore?.t < {before}", timeout=WITHIN)
    calm(page, seconds=120)
    expect(page.get_by_text(re.compile("Missed event: "))).to_have_count(0, timeout=WITHIN)
    page.locator(".dlt-marks .dlt-rows .dlt-row").click()  # labels are stored with the dataset
    expect(page.locator(".dlt-marks .dlt-rows .dlt-row")).to_have_count(0)
    calm(page, seconds=120)


def test_a_click_on_an_alarm_of_the_replay_marks_it(address, page):
    place = f"{address}/anomaly?panel=predict&anomaly-input=Replay&run={RUN}&replay-speed=2419200.0"
    visit(page, place, seconds=120)
    expect(page.get_by_text(re.compile(r"points, [1-9]\d* alarms"))).to_be_visible(timeout=WITHIN)
    page.get_by_text("Play", exact=True).click()
    wait_until(page, f"{MARKER.strip()} !== null", timeout=WITHIN)
    calm(page, seconds=120)
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    at = page.evaluate(MARKER)
    page.mouse.move(at["x"] - 4, at["y"] + 30)  # below the marker, inside the plot
    page.mouse.click(at["x"], at["y"] + 30)
    page.get_by_role("button", name="False alarm", exact=True).first.click(timeout=WITHIN)
    expect(page.get_by_text(re.compile(r"Threshold \+"))).to_be_visible(timeout=WITHIN)
    page.get_by_role("button", name="Apply", exact=True).click()
    expect(page.get_by_text(re.compile(r"Threshold \+"))).to_have_count(0, timeout=WITHIN)
