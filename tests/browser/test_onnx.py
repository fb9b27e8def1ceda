"""ONNX export in a browser: compared with torch, timed, downloaded with a card."""

import io
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, visit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]
WITHIN = 120_000


def test_exported_file_gives_the_predictions_of_torch(address, page, console):
    visit(page, f"{address}/fashion?panel=train")
    page.get_by_text("Export run", exact=True).click()
    page.get_by_role("button", name="Export ONNX").click()
    button = page.get_by_role("button", name="Download ONNX and card")
    expect(button).to_be_visible(timeout=WITHIN)
    expect(page.get_by_text("Parity")).to_be_visible()
    calm(page)
    with page.expect_download() as download:
        button.click()
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        names = archive.namelist()
    assert len(names) == 2 and any(name.endswith(".onnx") for name in names) and errors(console) == []
