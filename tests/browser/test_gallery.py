"""Sample galleries in the browser: a click or a key selects a sample, and its answer appears beside it."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, visit, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
WITHIN = 90_000


def test_click_on_a_test_image_shows_its_prediction(address, page, console):
    visit(page, f"{address}/fashion")
    buttons = page.locator(".dl-gallery button")
    expect(buttons.first).to_have_attribute("aria-pressed", "true", timeout=WITHIN)
    buttons.nth(1).click()
    expect(page.get_by_text("Actual: “Pullover”")).to_be_visible(timeout=WITHIN)
    buttons.nth(0).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Actual: “Ankle boot”")).to_be_visible(timeout=WITHIN)
    calm(page)
    assert buttons.nth(0).get_attribute("aria-pressed") == "true" and errors(console) == []


def test_click_on_a_sample_photo_shows_its_prediction(address, page, console):
    visit(page, f"{address}/food")
    photos = page.locator(".dl-gallery button")
    photos.nth(4).click(timeout=WITHIN)
    expect(photos.nth(4)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text("Predicted in").or_(page.get_by_text("Actual:"))).to_be_visible(timeout=WITHIN)
    calm(page)
    page.get_by_role("button", name="Explain this photo").click()
    wait_until(page, "new URL(location).searchParams.get('panel') === 'explain'", timeout=WITHIN)
    calm(page)
    assert errors(console) == []
