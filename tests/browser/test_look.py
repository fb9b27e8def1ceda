"""The shell of the app in a browser: menu, deep links, panels, forks."""

import pytest

pytest.importorskip("playwright")
from server import panel_switch, visit, wait_until

pytestmark = pytest.mark.browser


def test_menu_closes_after_a_choice_on_a_phone(address, page):
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, f"{address}/")
    page.get_by_role("heading", level=1).first.wait_for()
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Anomaly").click()
    page.wait_for_url("**/anomaly*")
    page.get_by_role("heading", name="Anomaly detection in time series").wait_for()
    wait_until(page, "document.querySelector('[data-testid=stSidebar]').getBoundingClientRect().right <= 1")


def test_fork_button_opens_the_fork_form(address, page):
    visit(page, f"{address}/anomaly?panel=train")
    page.get_by_role("button", name="Fork", exact=True).click()
    page.get_by_role("heading", name="Fork of").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name="New run").wait_for()


def test_deep_link_opens_the_page(address, page):
    visit(page, f"{address}/fashion")
    assert page.get_by_text("Page not found").count() == 0
    assert page.title().startswith("Fashion classification")


def test_panel_survives_a_page_switch_and_works_from_the_keyboard(address, page):
    visit(page, f"{address}/anomaly")
    panel_switch(page, "Results").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    wait_until(page, "new URL(location).searchParams.get('panel') === 'train'")
    page.get_by_role("link", name="Fashion classification").click()
    page.wait_for_url("**/fashion**")
    page.get_by_role("heading", name="Fashion classification").wait_for()
    wait_until(page, "new URL(location).searchParams.get('panel') === 'train'")
    assert panel_switch(page, "Train").is_checked()
