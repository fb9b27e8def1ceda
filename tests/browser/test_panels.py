"""Every panel of every page in a real browser: nothing broken, no error in the console, nothing serious for axe in
light or dark, nothing wider than a phone. One visit of a page shows it all."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page
from server import calm, errors, panel_switch, serious, visit

from dlcore.ui.shell.menu import find_pages
from dlcore.ui.shell.page import PANELS

pytestmark = pytest.mark.browser
PLACES = [
    f"{page.slug}?part={part.title.replace(' ', '+')}" if part else f"{page.slug}?"
    for page in find_pages()
    for part in page.parts or (None,)
]
"""Every page, and every part of a page in parts."""
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
TOO_WIDE = """() => Math.max(
    ...[document.documentElement, document.querySelector('[data-testid=stMain]')].map(
        element => element.scrollWidth - element.clientWidth))"""


@pytest.mark.anydata
@pytest.mark.parametrize("place", PLACES)
def test_every_panel(address, page, console, place):
    """One panel by its address, which one changes from page to page, and the others by the switch."""
    first = [*PANELS][PLACES.index(place) % len(PANELS)]
    visit(page, f"{address}/{place}&panel={first.replace(' ', '+')}")
    assert panel_switch(page, first).is_checked()
    there = page.get_by_role("radiogroup", name="Panel").get_by_role("radio").all_inner_texts()
    assert {*there} >= {*PANELS}
    wrong = {}
    for panel in [first, *(panel for panel in there if panel != first)]:
        if panel != first:
            panel_switch(page, panel).focus()
            page.keyboard.press("Space")
            page.wait_for_timeout(300)
            calm(page)
        assert panel_switch(page, panel).is_checked()
        found = [*_broken(page), *_unfit_to_read(page), *errors(console)]
        if found:
            wrong[panel] = found
        console.clear()
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(DESK)
    assert wrong == {}


def test_the_home_page(address, page, console):
    visit(page, f"{address}/")
    assert [*_broken(page), *_unfit_to_read(page), *errors(console)] == []


def _broken(page: Page) -> list[str]:
    seen = page.locator("[data-testid=stException]").or_(page.get_by_text("This part of the page broke"))
    return [text[:300] for text in seen.all_inner_texts()]


def _unfit_to_read(page: Page) -> list[object]:
    """What axe finds in light and in dark, and by how many pixels the page is wider than a phone."""
    page.wait_for_timeout(500)
    light = serious(page)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === 'dark'")
    dark = serious(page)
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(500)
    wider = page.evaluate(TOO_WIDE)
    return [*light, *dark, *([f"{wider} pixels too wide for a phone"] if wider > 0 else [])]
