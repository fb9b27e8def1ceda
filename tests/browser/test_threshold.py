"""The threshold component in a browser: no message during a drag, keyboard operation, custom labels."""

import re

import numpy as np
import pytest

pytest.importorskip("playwright")
from components import open_component
from playwright.sync_api import Page, expect
from server import calm, serious, visit

from dlcore.runs.views import threshold
from dlcore.runs.views.threshold import ReleasedThreshold, RuleScores, Scope, SeriesAxis, ThresholdView

pytestmark = pytest.mark.browser
STATE = "(({zoom, t}) => ({zoom, t}))(document.querySelector('.dlt').dlcore)"
FOCUSED = "document.activeElement?.className ?? ''"


@pytest.fixture(scope="module")
def anomaly_page(address, chromium):
    """The anomaly page with a threshold in its URL, opened once, and the list of sent websocket messages."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page, sent = context.new_page(), []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    visit(page, f"{address}/anomaly?threshold=20")
    page.locator(".dlt[data-drawn]").wait_for()
    page.wait_for_timeout(300)
    yield page, sent
    context.close()


def number(page: Page, figure: str) -> str:
    return page.locator(f".dlt-is-{figure} .dlt-number").inner_text()


def test_drag_updates_counts_and_sends_a_message_on_release(anomaly_page):
    page, sent = anomaly_page
    assert page.evaluate(STATE)["t"] == 20  # from the URL
    handle = page.locator(".dlt-handle")
    page.locator(".dlt-in").click()
    handle.evaluate("element => element.scrollIntoView({ block: 'center' })")
    box = handle.bounding_box()
    before, first = len(sent), (number(page, "recall"), page.locator(".dlt-n-tp b").inner_text())
    page.mouse.move(box["x"] + 20, box["y"] + 8)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(box["x"] + 20, box["y"] + 8 + 3 * step)
        page.wait_for_timeout(16)
    assert (number(page, "recall"), page.locator(".dlt-n-tp b").inner_text()) != first
    dragged = page.evaluate(STATE)
    assert len(sent) == before
    page.mouse.up()
    page.wait_for_url(re.compile(f"threshold={re.escape(repr(dragged['t']))}"))
    calm(page)
    assert len(sent) == before + 1
    assert page.evaluate(STATE) == dragged


@pytest.mark.parametrize("view", ["histogram", "cost", "pr", "roc"])
def test_every_view_can_be_dragged(blank, view):
    page = blank(create_view(labeled=True))
    box = page.locator(f".dlt-{view}")
    box.scroll_into_view_if_needed()
    at, before = box.bounding_box(), page.evaluate(STATE)["t"]
    page.mouse.move(at["x"] + 0.3 * at["width"], at["y"] + 0.5 * at["height"])
    page.mouse.down()
    page.mouse.move(at["x"] + 0.6 * at["width"], at["y"] + 0.4 * at["height"], steps=4)
    page.wait_for_timeout(60)
    dragged = page.evaluate(STATE)["t"]
    assert dragged != before and page.evaluate("window.reports") == []
    page.mouse.up()
    assert page.evaluate("window.reports") == [["threshold", dragged]]


def test_component_works_with_the_keyboard(anomaly_page):
    page, _ = anomaly_page
    for _ in range(80):
        page.keyboard.press("Tab")
        if "dlt-value" in page.evaluate(FOCUSED):
            break
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0.0002")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("threshold=0.0002"))
    tab_to(page, "dlt-chip-quantile")
    page.keyboard.press("Enter")
    expect(page.locator(".dlt-chip-quantile")).to_have_attribute("aria-pressed", "true")
    tab_to(page, "dlt-parameter-quantile")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0.9")
    page.keyboard.press("Enter")
    low = page.evaluate(STATE)["t"]
    tab_to(page, "dlt-chip-cheapest")
    page.keyboard.press("Enter")
    expect(page.locator(".dlt-chip-cheapest")).to_have_attribute("aria-pressed", "true")
    cost = float(number(page, "cost"))
    assert page.evaluate(STATE)["t"] > low

    tab_to(page, "dlt-handle")
    slider = page.get_by_role("slider", name="Threshold")
    at = float(slider.get_attribute("aria-valuenow"))
    for key in ("ArrowUp", "Shift+ArrowUp", "PageUp"):
        before = slider.get_attribute("aria-valuenow")
        page.keyboard.press(key)
        expect(slider).not_to_have_attribute("aria-valuenow", before)
        now = float(slider.get_attribute("aria-valuenow"))
        assert now > at, key
        at = now
    caught = (number(page, "events"), number(page, "false"))
    page.keyboard.press("Control+ArrowDown")
    page.wait_for_timeout(200)
    assert (number(page, "events"), number(page, "false")) != caught
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert number(page, "events").startswith("0 of") and float(number(page, "cost")) > cost
    expect(page.locator(".dlt-live")).to_contain_text("Events caught 0 of")
    for _ in range(15):
        page.keyboard.press("PageDown")
    page.wait_for_timeout(600)
    calm(page)
    state = page.evaluate(STATE)

    tab_to(page, "dlt-row")
    page.keyboard.press("Enter")
    expect(page.get_by_text("In this window the series and its reconstruction")).to_be_visible(timeout=30_000)
    assert page.evaluate(STATE) == state
    events = number(page, "events")

    tab_to(page, "dlt-from")
    page.keyboard.type("2014-12-06 00:00")
    tab_to(page, "dlt-to")
    page.keyboard.type("2014-12-06 23:30")
    tab_to(page, "dlt-add")
    page.keyboard.press("Enter")
    assert number(page, "events") != events and number(page, "events").endswith("of 6")
    expect(page.get_by_role("button", name=re.compile("Download 1 label"))).to_be_visible(timeout=30_000)
    calm(page)
    assert serious(page) == []


def tab_to(page: Page, name: str) -> None:
    for _ in range(70):
        page.keyboard.press("Tab")
        if name in page.evaluate(FOCUSED).split():
            return
    raise AssertionError(f"Tab never reached {name}")


def create_view(*, labeled: bool, size: int = 2000) -> ThresholdView:
    random = np.random.default_rng(0)
    scores, labels = random.lognormal(-3, 1, size).astype(np.float32), np.zeros(size, np.uint8)
    scores[1000:1040] += 1.0
    labels[995:1050] = labeled
    times = 1_404_172_800_000 + 1_800_000 * np.arange(size)
    over = SeriesAxis(times, random.normal(10, 1, size).astype(np.float32), "rides in half an hour")
    whole = Scope("all", 0, size)
    rules = RuleScores("all", ((0, size),))
    return ThresholdView(scores, labels if labeled else None, 0.8, (whole,), (whole,), rules, over, "error")


@pytest.fixture
def blank(page):
    """A function that opens the component in a page without a server; reports are in `window.reports`."""

    def mounted(view: ThresholdView) -> Page:
        data = threshold.threshold_data(view, ReleasedThreshold(view.run_threshold, None, ())) | {"version": "1"}
        open_component(page, "threshold", data, style=":root { --st-text-color: #111; --st-background-color: #fff; }")
        page.wait_for_timeout(150)
        return page

    return mounted


def test_without_labels_alarms_per_week_are_shown_and_brushed_labels_add_metrics(blank, console):
    page = blank(create_view(labeled=False))
    assert page.locator(".dlt-metric dt").all_inner_texts() == ["Alarms per week", "Alarms", "Points above threshold"]
    expect(page.locator(".dlt-pr")).to_be_hidden()
    page.evaluate("scrollTo(0, 0)")
    page.locator(".dlt-mode-mark").evaluate("(button) => button.click()")  # the bar of counts may lie over it
    series = page.locator(".dlt-series").bounding_box()
    left, wide = series["x"] + 66, series["width"] - 76
    page.mouse.move(left + 0.49 * wide, series["y"] + 120)
    page.mouse.down()
    page.mouse.move(left + 0.53 * wide, series["y"] + 120, steps=4)
    page.mouse.up()
    page.wait_for_timeout(60)
    expect(page.locator(".dlt-pr")).to_be_visible()
    assert number(page, "events") == "1 of 1"
    ((name, windows),) = page.evaluate("window.reports")
    assert name == "labels" and windows[0][0] < 1_404_172_800_000 + 1_800_000 * 1000 < windows[0][1]
    page.mouse.click(left + 0.51 * wide, series["y"] + 120)  # a click on a label removes it
    expect(page.locator(".dlt-pr")).to_be_hidden()
    assert page.evaluate("window.reports").pop() == ["labels", []]
    assert console == []


def test_drag_zooms_and_double_click_resets(blank):
    page = blank(create_view(labeled=True))
    box = page.locator(".dlt-score").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 140)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 140, steps=3)
    page.mouse.up()
    low, high = page.evaluate(STATE)["zoom"]
    assert 0 < low < high < 2000
    page.mouse.move(box["x"] + 300, box["y"] + 140)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(50)
    closer = page.evaluate(STATE)["zoom"]
    assert closer[1] - closer[0] < high - low
    page.mouse.dblclick(box["x"] + 300, box["y"] + 140)
    assert page.evaluate(STATE)["zoom"] == [0, 2000]
