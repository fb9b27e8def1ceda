"""Reports opened from a disk without a network: live components, no request, no error, nothing of a text runs."""

import base64
import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from server import serious, wait_until

from dlcore import runs
from dlcore.runs.report.document import write_report

sys.path.insert(0, str(Path(__file__).parents[1] / "attacks"))
from hostile_texts import hostile_bundle

pytestmark = pytest.mark.browser
COUNTS = "[...document.querySelectorAll('.dlt-four b')].map((b) => b.textContent).join()"


@pytest.fixture
def offline(chromium):
    """Open a file without a network; its requests and console messages are collected in `events`."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page, events = context.new_page(), []
    page.on("request", lambda request: events.append(request.url))
    page.on("console", lambda message: events.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: events.append(str(error)))

    def open_report(refs, file):
        address = write_report(refs, file).as_uri()
        page.goto(address)
        page.locator("html[data-drawn]").wait_for()
        assert events == [address]
        return page

    yield open_report
    context.close()


def test_threshold_is_dragged_and_curves_are_smoothed(offline, tmp_path):
    page = offline(["reference:anomaly/calendar"], tmp_path / "report.html")
    before, handle = page.evaluate(COUNTS), page.locator(".dlt-handle")
    at = handle.bounding_box()
    page.mouse.move(at["x"] + 20, at["y"] + 8)
    page.mouse.down()
    page.mouse.move(at["x"] + 20, at["y"] + 60, steps=6)
    wait_until(page, f"{COUNTS} !== {before!r}")
    page.mouse.up()
    traces = "document.querySelector('.dl-curves .dl-plot').data.length"
    count = page.evaluate(traces)
    slider = page.locator(".dl-range")
    slider.fill("0.9")
    slider.dispatch_event("input")
    assert page.locator(".dl-bar output").inner_text() == "0.90" and page.evaluate(traces) > count


def test_theme_follows_its_button(offline, tmp_path):
    page = offline(["reference:rnn/lstm", "reference:rnn/rnn"], tmp_path / "report.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) != light
    assert page.get_by_role("button", name="Light theme").is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(chromium, tmp_path, width):
    context = chromium.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)  # axe is a script
    page = context.new_page()
    page.goto(write_report(["reference:questions/rnn"], tmp_path / "report.html").as_uri())
    page.locator("html[data-drawn]").wait_for()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.parametrize("reference", ["questions/rnn", "forecast/lstm"])
def test_nothing_of_a_hostile_text_runs(offline, tmp_path, monkeypatch, reference):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    record = runs.import_run(hostile_bundle(reference, tmp_path / "<img src=x onerror=window.hacked=1>.zip"))
    page = offline([record.run_id], tmp_path / "<b>report.html")
    assert page.evaluate("window.hacked") is None
    assert page.locator("a[href^=http], img[src=x], image[href^=http]").count() == 0


HOSTILE = "</script><img src=x onerror=window.hacked=1><svg onload=window.hacked=2>{{7*7}}"


@pytest.mark.parametrize("reference", ["fashion/dense", "forecast/lstm"])
def test_hostile_labels_of_an_answer_stay_text(chromium, runtime, tmp_path, monkeypatch, reference):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("hostile_texts.TEXT", HOSTILE)
    record = runs.import_run(hostile_bundle(reference, tmp_path / "<img src=x onerror=window.hacked=3>.zip"))
    names = runs.open_run(record.run_id).finished_bundle.preprocessing.get("names", [])
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(write_report([record.run_id], tmp_path / "<b>report.html", runtime=runtime).as_uri())
    page.locator("html[data-drawn]").wait_for()
    rows = "\n".join(f"2005-03-01 {hour:02d}:00,{','.join('1' for _ in names)}" for hour in range(24))
    header = ",".join(f'"{name}"' for name in ("time", *names))
    strokes = base64.b64encode(bytes(1000) + bytes([200]) * 1000 + bytes(1136)).decode()  # a drawing, 56 x 56
    source = f"{header}\n{rows}" if names else strokes
    page.evaluate(
        "(text) => document.querySelector('[data-kind=model]').dlcoreModel.submit(text)",
        source,
    )
    page.locator(".dl-model-note[data-state=done]").wait_for(timeout=200_000)
    assert "</script><img src=x" in page.locator(".dl-model-answer").inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], svg[onload]").count() == 0
    context.close()
