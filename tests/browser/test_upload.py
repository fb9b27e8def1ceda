"""The user's image on an image page: uploaded once, answered by several networks, and explained on another panel."""

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, panel_switch, visit

from dlcore.core import settings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
PHOTO = settings.ASSETS / "samples" / "food" / "apple_pie.png"
WITHIN = 120_000


def test_one_upload_serves_prediction_comparison_and_explanation(address, page, console):
    visit(page, f"{address}/fashion?panel=predict&input=Your+input")
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(PHOTO)
    expect(page.get_by_text("Unlike the training images")).to_be_visible(timeout=WITHIN)
    page.get_by_text("Compare networks").click()
    expect(page.get_by_text("All agree.").or_(page.get_by_text("The networks disagree."))).to_be_visible(timeout=WITHIN)
    panel_switch(page, "Explain").click()
    page.get_by_text("Your image", exact=True).first.click(timeout=WITHIN)
    expect(page.get_by_text("Uploaded before: “apple_pie.png”.")).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("Sanity checks")).to_be_visible(timeout=WITHIN)
    calm(page)
    assert errors(console) == []
