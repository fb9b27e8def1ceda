"""A custom series in a real browser: uploaded, saved, trained on, evaluated and explained."""

import re

import numpy as np
import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, panel_switch, visit

pytestmark = pytest.mark.browser
WITHIN = 60_000


@pytest.fixture
def file(tmp_path):
    hours = np.arange(400)
    values = 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(0, 2, 400)
    values[330:340] += 60
    rows = [f"2021-03-{1 + i // 24:02d} {i % 24:02d}:00,{values[i]:.3f},{int(330 <= i < 340)}" for i in hours]
    path = tmp_path / "my load.csv"
    path.write_text("\n".join(["when,load,anomaly", *rows]))
    return path


def test_uploaded_series_is_trained_on_and_explained(address, page, file):
    visit(page, f"{address}/anomaly?panel=data")
    page.get_by_text("Add your data: series").click()
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("button", name="Save dataset").click(timeout=WITHIN)
    expect(page.get_by_text("is saved and selected under")).to_be_visible(timeout=WITHIN)
    calm(page)
    panel_switch(page, "Train").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("combobox", name="Dataset", exact=True)).to_have_value(
        re.compile("my-load"), timeout=WITHIN
    )
    calm(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{12}"), timeout=WITHIN)
    expect(page.get_by_text(re.compile("NAB score|on test")).first).to_be_visible(timeout=WITHIN)
    for panel, sign in (("Results", "drag the line"), ("Explain", "Agreement of two methods")):
        panel_switch(page, panel).focus()
        page.keyboard.press("Space")
        expect(page.get_by_text(sign).first).to_be_visible(timeout=WITHIN)
        assert page.get_by_text("This part of the page failed").count() == 0
        assert page.locator("[data-testid=stException]").count() == 0
