"""Every panel of every page in a browser: no exception, no console error, no serious axe violation in light or dark,
nothing wider than a phone. One visit of a page covers all its panels."""

from collections.abc import Iterable

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page
from server import calm, errors, panel_switch, serious, visit, wait_until

from dlcore.ui.shell.menu import find_pages
from dlcore.ui.shell.page import PANELS

pytestmark = pytest.mark.browser
PLACES = [f"{page.slug}?" for page in find_pages()]
SCHEMES = ("light", "dark")
COLOR_RULES = ("color-contrast", "link-in-text-block")
SCHEME = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
EXCESS_WIDTH = """() => Math.max(
    ...[document.documentElement, document.querySelector('[data-testid=stMain]')].map(
        element => element.scrollWidth - element.clientWidth))"""


@pytest.mark.anydata
@pytest.mark.parametrize("place", PLACES)
def test_every_panel_renders_without_problems(address, page, console, place):
    """Opens one panel by its address (a different one for each page) and the others by the switch."""
    ids = [name for name in PANELS if name != "step_by_step"]
    number = PLACES.index(place) % len(ids)
    visit(page, f"{address}/{place}&panel={ids[number]}")
    radios = page.get_by_role("radiogroup", name="Panel").get_by_role("radio")
    radios.nth(len(ids) - 1).wait_for(timeout=90_000)  # the page may still be loading
    names = radios.all_inner_texts()
    first = names[-len(ids) :][number]
    assert panel_switch(page, first).is_checked() and len(names) >= len(ids)
    problems = {}
    for number, panel in enumerate([first, *(name for name in names if name != first)]):
        if panel != first:
            panel_switch(page, panel).focus()
            page.keyboard.press("Space")
            page.wait_for_timeout(300)
            calm(page)
        assert panel_switch(page, panel).is_checked()
        schemes = reversed(SCHEMES) if number % 2 else SCHEMES  # begin with the one on screen: one switch a panel
        if lines := [*_exceptions(page), *_layout_problems(page, schemes), *errors(console)]:
            problems[panel] = lines
        console.clear()
        page.set_viewport_size(DESK)
    assert problems == {}


def test_home_page(address, page, console):
    visit(page, f"{address}/")
    assert [*_exceptions(page), *_layout_problems(page, SCHEMES), *errors(console)] == []


def _exceptions(page: Page) -> list[str]:
    boxes = page.locator("[data-testid=stException]").or_(page.get_by_text("This part of the page failed"))
    return [text[:300] for text in boxes.all_inner_texts()]


def _layout_problems(page: Page, schemes: Iterable[str]) -> list[object]:
    """Serious axe violations in both color schemes, and by how many pixels the page is wider than a phone.

    Only the rules on color depend on the scheme: the second run checks these.
    """
    page.wait_for_timeout(200)
    problems: list[object] = []
    for scheme, rules in zip(schemes, ((), COLOR_RULES), strict=True):
        page.emulate_media(color_scheme=scheme)
        wait_until(page, f"{SCHEME} === '{scheme}'")
        problems += serious(page, rules=rules)
    page.set_viewport_size(PHONE)
    excess = 1
    for wait in (300, 1000, 2000):  # figures shrink after the page
        page.wait_for_timeout(wait)
        excess = page.evaluate(EXCESS_WIDTH)
        if excess <= 0:
            break
    return [*problems, *([f"{excess} pixels too wide for a phone"] if excess > 0 else [])]
