"""A messy file in a real browser: problems with repairs, one changed, saved, its receipt on the Data panel."""

import pytest

pytest.importorskip("playwright")
from messy_importer import messy_csv
from playwright.sync_api import expect
from server import calm, errors, serious, server, visit

pytestmark = pytest.mark.browser
WITHIN = 60_000


@pytest.fixture(scope="module")
def form_address(chromium, tmp_path_factory):
    with server(tmp_path_factory.mktemp("home"), script="tests/browser/messy_series.py") as url:
        yield url


def choose(page, label, option):
    """Choose an option; scrolling closes an open list, so it is opened again until it stays."""
    box = page.get_by_role("combobox", name=label)
    for _ in range(10):
        box.press("ArrowDown")
        page.wait_for_timeout(1000)
        if page.get_by_role("option", name=option).count():
            break
    page.get_by_role("option", name=option).click()
    calm(page)


def test_messy_file_is_repaired_saved_and_its_receipt_shown(form_address, page, console, tmp_path):
    path = tmp_path / "messy tiny.csv"
    path.write_bytes(messy_csv(encoding="cp1252"))
    visit(page, form_address)
    page.get_by_text("Add your data: series").click()
    page.locator("input[type=file]").first.set_input_files(path)
    expect(page.get_by_text("3. Problems and their repairs")).to_be_visible(timeout=WITHIN)
    calm(page)
    assert serious(page) == []
    choose(page, "Repair of duplicate times", "last")
    expect(page.get_by_text("3 duplicate times: last of their values").first).to_be_visible(timeout=WITHIN)
    calm(page)  # a press of Save while the page is drawn again would be lost
    expect(page.get_by_role("textbox", name="Name")).to_have_value("messy-tiny")
    page.get_by_role("button", name="Save dataset").click()
    expect(page.get_by_text("is saved and selected under")).to_be_visible(timeout=WITHIN)
    page.get_by_text("Receipt: read as cp1252").last.click()
    for line in ("rows sorted by time", "3 duplicate times: last of their values", "5 missing hours: interpolate:6"):
        expect(page.get_by_text(f". {line}").last).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("240 values every 1 hour")).to_be_visible()
    assert errors(console) == []
