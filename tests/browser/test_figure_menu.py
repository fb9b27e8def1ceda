"""The menu of a figure saves it as PNG and SVG, and its data as CSV: Plotly charts and components on canvases."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Locator, Page, expect
from server import errors, visit

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"
PATIENCE = 120_000


def save(page: Page, host: Locator, kind: str) -> bytes:
    """Choose a type in the menu of a figure and return the downloaded file."""
    menu = host.locator("> .dl-figure-menu")
    menu.wait_for(state="attached", timeout=PATIENCE)
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    button = menu.get_by_role("button", name=kind)
    expect(button).to_be_visible()
    with page.expect_download(timeout=PATIENCE) as download:
        button.click()
    assert download.value.suggested_filename.endswith(f".{kind.lower()}")
    return Path(download.value.path()).read_bytes()


def rows(payload: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(payload.decode())))


def shapes(payload: bytes, name: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(payload).iter(f"{SVG}{name}"))


def test_canvas_of_the_threshold(page, address, console):
    visit(page, f"{address}/anomaly?panel=results")
    score = page.locator(".dlt-score")
    expect(page.locator(".dlt")).to_have_attribute("data-drawn", re.compile(".+"), timeout=PATIENCE)
    table = rows(save(page, score, "CSV"))
    assert table[0] == ["time", "value", "score", "label"] and len(table) > 10_000
    assert table[1][0] == "2014-07-01T00:00:00"
    drawing = save(page, score, "SVG")
    assert len(shapes(drawing, "path")) > 3 and shapes(drawing, "image") == []  # drawn again, without pixels
    assert any("-" in (text.text or "") or (text.text or "").strip() for text in shapes(drawing, "text"))
    assert save(page, score, "PNG").startswith(b"\x89PNG")
    sweep = rows(save(page, page.locator(".dlt-cost"), "CSV"))
    assert sweep[0][0] == "threshold" and len({int(row[1]) + int(row[3]) for row in sweep[1:]}) == 1
    assert errors(console) == []


def test_plotly_chart_and_component(page, address, console):
    visit(page, f"{address}/forecast?panel=results")
    chart = page.locator(".st-key-week .dl-figure").first
    chart.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=PATIENCE)
    table = rows(save(page, chart, "CSV"))
    assert table[0][0] == "trace" and {"forecast", "measured"} <= {row[0] for row in table}
    assert table[1][1].startswith("2005-02-2")
    assert len(shapes(save(page, chart, "SVG"), "path")) > 5
    assert save(page, chart, "PNG").startswith(b"\x89PNG")
    visit(page, f"{address}/backprop?walk-step=5")
    walk = page.locator(".dl-walk-view")
    assert len(rows(save(page, walk, "CSV"))) == 257
    drawing = save(page, walk, "SVG")
    assert len(shapes(drawing, "rect")) > 256 and b"Output (dropout)" in drawing
    assert errors(console) == []
