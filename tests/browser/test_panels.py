"""Every panel of every page in a real browser: no error in the console, nothing broken, a form that axe lets pass."""

import pytest

pytest.importorskip("playwright")
from server import calm, errors, panel_switch, serious, visit

from dlcore.ui.menu import find_pages
from dlcore.ui.page import PANELS

pytestmark = pytest.mark.browser
SLUGS = [page.slug for page in find_pages()]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_panel_opens_without_an_error(address, page, console, slug):
    """One visit, from panel to panel; axe looks at the form on the way."""
    visit(page, f"{address}/{slug}?panel=Data")
    for panel in PANELS:
        if panel != "Data":
            panel_switch(page, panel).focus()
            page.keyboard.press("Space")
            page.wait_for_function(
                f"new URL(location).searchParams.get('panel') === {panel!r} || {panel!r} === 'Results'"
            )
            page.wait_for_timeout(300)
        calm(page)
        assert panel_switch(page, panel).is_checked()
        assert page.locator("[data-testid=stException]").count() == 0, panel
        assert page.get_by_text("This part of the page broke").count() == 0, panel
        if panel == "Train":
            assert serious(page) == []
        assert errors(console) == [], panel
