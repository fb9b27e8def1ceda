"""Presentation mode: larger type and no menu on every page, until it is left. The tour of the anomaly page."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, serious, visit, wait_until

pytestmark = pytest.mark.browser
SIZE = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
PATIENCE = 120_000


def test_presentation_is_kept_between_pages_and_left_by_its_button(page, address, console):
    visit(page, f"{address}/?present=1")
    leave = page.get_by_role("button", name="Leave presentation")
    expect(leave).to_be_visible(timeout=PATIENCE)
    expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
    assert page.evaluate(SIZE) > 20
    assert serious(page) == []
    page.get_by_role("link", name="Compare three networks").click()
    wait_until(page, "location.pathname.endsWith('/architectures') && location.search.includes('present=1')")
    calm(page)
    expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
    leave.click()
    expect(page.get_by_role("button", name="Present", exact=True)).to_be_visible(timeout=PATIENCE)
    assert "present" not in page.url and page.evaluate(SIZE) < 20
    calm(page)
    page.keyboard.press("Alt+p")
    expect(leave).to_be_visible(timeout=PATIENCE)
    assert errors(console) == []


def test_tour_of_the_anomaly_page(page, address, console):
    visit(page, f"{address}/anomaly")
    expect(page.locator(".dlt")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("dialog", name="Tour of this page")).to_have_count(0)  # a browser under automation
    visit(page, f"{address}/anomaly?tour=1")
    tour = page.get_by_role("dialog", name="Tour of this page")
    expect(tour).to_be_visible(timeout=PATIENCE)
    for step in ("1 of 4", "2 of 4", "3 of 4", "4 of 4"):
        expect(tour).to_contain_text(step)
        expect(page.locator(".dl-tour-target")).to_have_count(1)
        box = tour.bounding_box()
        assert box is not None and box["x"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]
        page.keyboard.press("Enter")  # the next button has the focus
    expect(tour).to_have_count(0)
    assert page.evaluate("localStorage.getItem('dlcore-tour')") == "seen"
    assert errors(console) == []
