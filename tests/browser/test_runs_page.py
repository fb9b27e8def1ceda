"""Page Runs in a browser: selection by click, links, both themes, a phone; Copy link."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect
from server import calm, errors, serious, visit, wait_until
from test_panels import COLOR_RULES, DESK, EXCESS_WIDTH, PHONE, SCHEME

pytestmark = pytest.mark.browser
PAIR = "reference:fashion/dense,reference:fashion/improved"
CURVES = ".js-plotly-plot .main-svg"


def select(page: Page, row: int) -> None:
    """Click the checkbox of a row of the table, which is a canvas."""
    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 16, box["y"] + 35 * (row + 1) + 17)
    page.wait_for_timeout(500)
    calm(page)


def test_two_clicks_compare_and_the_link_restores_it(page, address, context, console):
    page.set_viewport_size(DESK)
    visit(page, f"{address}/runs?projects=Fashion+classification")
    page.wait_for_selector("[data-testid=stDataFrame] canvas")
    expect(page.locator(".dl-frame table")).to_be_hidden()  # the live table has replaced it
    select(page, 0)
    expect(page.get_by_text("1 selected")).to_be_visible()
    select(page, 1)
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.wait_for_selector(CURVES, timeout=30_000)
    wait_until(page, "new URL(location).searchParams.get('runs').split(',').length === 2")
    page.get_by_role("radio", name="Paired tests").click()
    wait_until(page, "new URL(location).searchParams.get('view') === 'Paired tests'")
    link = page.url
    second = context.new_page()
    visit(second, link)
    expect(second.get_by_text("2 selected")).to_be_visible()
    expect(second.get_by_text("Holm-corrected")).to_be_visible()
    assert second.url == link
    second.close()
    assert errors(console) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_comparison_has_no_serious_violation_and_fits_a_phone(page, address, scheme, console):
    page.set_viewport_size(DESK)
    page.emulate_media(color_scheme=scheme)
    visit(page, f"{address}/runs?runs={PAIR}&view=Scatter")
    page.wait_for_selector(CURVES, timeout=30_000)
    wait_until(page, f"{SCHEME} === '{scheme}'")
    assert serious(page, rules=() if scheme == "light" else COLOR_RULES) == []
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(1500)
    assert page.evaluate(EXCESS_WIDTH) <= 0 and errors(console) == []


def test_copy_link_copies_the_address_of_the_view(page, address, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, f"{address}/fashion?panel=results")
    page.get_by_role("radio", name="Compare").click()
    wait_until(page, "new URL(location).searchParams.get('view') === 'Compare'")
    calm(page)
    button = page.get_by_role("button", name="Copy link")
    button.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url and "view=Compare" in link
    expect(button).to_be_visible(timeout=30_000)
    box = button.bounding_box()
    assert box is not None and box["y"] < 60


DRAW_AGAIN = """() => {
    const button = document.querySelector(".dl-copy"), former = button.cloneNode(true);
    button.before(former);
    button.replaceWith(button.cloneNode(true));
}"""


def test_label_of_copy_link_returns_when_the_button_is_drawn_again(page, address, context):
    """A running script may leave the former button in place and draw a new one."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    visit(page, f"{address}/runs")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.evaluate(DRAW_AGAIN)
    expect(page.locator(".dl-copy")).to_have_text(["Copy link"] * 2, timeout=30_000)
