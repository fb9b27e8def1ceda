"""Page Your network in a browser: code is pasted, checked and trained, and every panel opens, for each task."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, panel_switch, visit

from dlcore import runs
from dlcore.data.sources import locate

sys.path.insert(0, str(Path(__file__).parents[1] / "projects" / "custom"))
from network_styles import ANOMALIES, FORECASTS, IMAGES, TEXTS, save_datasets
from test_functions import FUNCTIONS, HEAD

pytestmark = pytest.mark.browser
WITHIN = 180_000
SELECTED = {"loss_function": "FocalLoss", "augmentation_function": "augment"}
"""Functions of the code that the run for images uses."""
CASES = {
    "custom": ("digits", HEAD + IMAGES["tuple output"] + FUNCTIONS),
    "custom_text": ("template_news", TEXTS["convolutions over words"]),
    "custom_forecast": ("custom:weather", FORECASTS["causal dilated convolutions"]),
    "custom_anomaly": ("custom:load", ANOMALIES["recurrent encoder and decoder"]),
}


@pytest.mark.parametrize("task", CASES)
def test_pasted_network_is_trained_and_every_panel_opens(address, page, console, task, server_home, monkeypatch):
    dataset, code = CASES[task]
    monkeypatch.setenv("DLCORE_HOME", str(server_home))
    save_datasets()
    visit(page, f"{address}/custom?task={task}&panel=code")
    editor = page.get_by_role("textbox", name="Code")
    editor.fill(code)
    editor.press("Control+Enter")
    calm(page)
    page.get_by_role("combobox", name="Dataset").click()
    page.get_by_role("option", name=locate.get_dataset(dataset).title, exact=True).click()
    calm(page)
    for setting, name in SELECTED.items() if FUNCTIONS in code else ():
        page.get_by_role("combobox", name=setting.replace("_", " ").capitalize()).click()
        page.get_by_role("option", name=name, exact=True).click()
        calm(page)
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("Learns a batch")).to_be_visible(timeout=WITHIN)
    page.get_by_role("button", name="Train", exact=True).click(timeout=WITHIN)
    page.wait_for_url(re.compile(r"run=[0-9a-f]{12}"), timeout=WITHIN)
    run_id = re.search(r"run=([0-9a-f]+)", page.url)[1]
    assert runs.wait(run_id, timeout=WITHIN / 1000).state == "finished"
    settings = runs.open_run(run_id).config.flat
    expected = SELECTED if FUNCTIONS in code else dict.fromkeys(SELECTED)
    assert {name: settings.get(name) for name in SELECTED} == expected
    problems = {}
    for panel in ("Code", "Data", "Train", "Results", "Predict", "Explain"):
        panel_switch(page, panel).focus()
        page.keyboard.press("Space")
        page.wait_for_timeout(300)
        calm(page, seconds=WITHIN / 1000)
        failed = page.locator("[data-testid=stException]").or_(page.get_by_text("This part of the page failed"))
        if failed.count() or (lines := errors(console)):
            problems[panel] = failed.all_inner_texts() or lines
        console.clear()
    assert problems == {}
