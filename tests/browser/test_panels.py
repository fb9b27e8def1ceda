"""Every panel of every page in a real browser: no error in the console, nothing broken, a form that axe lets pass."""

import pytest

pytest.importorskip("playwright")
from server import errors, panel_switch, serious, visit

from dlcore.ui.menu import find_pages
from dlcore.ui.page import PANELS

pytestmark = pytest.mark.browser
SLUGS = [page.slug for page in find_pages()]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("slug", SLUGS)
def test_every_panel_opens_without_an_error(address, page, console, slug, panel):
    visit(page, f"{address}/{slug}?panel={panel.replace(' ', '+')}")
    assert panel_switch(page, panel).is_checked()
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.get_by_text("This part of the page broke").count() == 0
    if panel == "Train":
        page.wait_for_timeout(700)
        assert serious(page) == []
    assert errors(console) == []
