"""Every page in a real browser: no errors in the console, nothing serious for axe, nothing wider than a phone."""

import pytest

pytest.importorskip("playwright")
from server import errors, panel_switch, serious, visit

from dlcore.ui.menu import find_pages

pytestmark = pytest.mark.browser
SLUGS = [page.slug for page in find_pages()]


@pytest.mark.parametrize("slug", ["", *SLUGS], ids=lambda slug: slug or "home")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(address, page, console, slug, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, f"{address}/{slug}")
    page.wait_for_timeout(500)
    assert serious(page) == []
    assert errors(console) == []


@pytest.mark.parametrize("path", ["", *(f"{slug}?panel=Train" for slug in SLUGS), *SLUGS])
def test_a_phone_needs_no_sideways_scrolling(address, page, path):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, f"{address}/{path}")
    page.wait_for_timeout(700)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    main = page.evaluate(
        "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.querySelector('[data-testid=stMain]'))"
    )
    assert main <= 0


def test_the_menu_gives_way_on_a_phone(address, page):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, f"{address}/")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Anomaly").click()
    page.get_by_role("heading", name="Anomaly detection").wait_for()
    page.wait_for_function("document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 1")


def test_fork_turns_the_form_into_one_for_a_fork(address, page):
    visit(page, f"{address}/anomaly?panel=Train")
    page.get_by_role("button", name="Fork", exact=True).click()
    page.get_by_role("heading", name="Fork of").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="New run").wait_for()


def test_a_deep_link_to_a_page_is_not_called_missing(address, page):
    visit(page, f"{address}/fashion")
    assert page.get_by_text("Page not found").count() == 0
    assert page.title().startswith("Fashion classifier")


def test_the_panel_survives_a_page_switch_and_works_from_the_keyboard(address, page):
    visit(page, f"{address}/anomaly")
    panel_switch(page, "Results").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.wait_for_function("new URL(location).searchParams.get('panel') === 'Train'")
    page.get_by_role("link", name="Fashion classifier").click()
    page.wait_for_url("**/fashion**")
    page.get_by_role("heading", name="Fashion classifier").wait_for()
    page.wait_for_function("new URL(location).searchParams.get('panel') === 'Train'")
    assert panel_switch(page, "Train").is_checked()
