"""Every panel of every page in a real browser: nothing broken, no error in the console, nothing serious for axe in
light or dark, nothing wider than a phone. One visit shows it all."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page
from server import errors, panel_switch, serious, visit

from dlcore.ui.menu import find_pages
from dlcore.ui.page import PANELS

pytestmark = pytest.mark.browser
PLACES = [
    f"{page.slug}?part={part.title.replace(' ', '+')}" if part else f"{page.slug}?"
    for page in find_pages()
    for part in page.parts or (None,)
]
"""Every page, and every part of a page in parts."""
TOO_WIDE = """() => Math.max(
    ...[document.documentElement, document.querySelector('[data-testid=stMain]')].map(
        element => element.scrollWidth - element.clientWidth))"""


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("place", PLACES)
def test_every_panel(address, page, console, place, panel):
    visit(page, f"{address}/{place}&panel={panel.replace(' ', '+')}")
    assert panel_switch(page, panel).is_checked()
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.get_by_text("This part of the page broke").count() == 0
    _is_fit_to_read(page)
    assert errors(console) == []


def test_the_home_page(address, page, console):
    visit(page, f"{address}/")
    _is_fit_to_read(page)
    assert errors(console) == []


def _is_fit_to_read(page: Page) -> None:
    page.wait_for_timeout(500)
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === 'dark'")
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate(TOO_WIDE) <= 0
