"""The diagnosis on Train in a browser: its button forks a run with a planted fault, and the fork is mended."""

import re
import time

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, visit

from dlcore import projects, runs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
WITHIN = 90_000
TOO_HIGH = 5.0


def wait_for_end(run_id: str) -> runs.Record:
    """Return the record of a run that finished or failed; a slow machine may start its worker late."""
    until = time.monotonic() + WITHIN / 1000
    while (record := runs.wait(run_id, timeout=WITHIN / 1000)).state not in ("finished", "failed"):
        assert time.monotonic() < until, record.state
        time.sleep(0.5)
    return record


def test_button_forks_the_run_with_the_remedy(address, page, console, server_home, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(server_home))
    settings = {"learning_rate": TOO_HIGH, "optimizer": "sgd", "epochs": 2}
    config = projects.configure(
        "fashion", model="dense", dataset="digits", preset="quick", device="cpu", settings=settings
    )
    broken = runs.start(runs.create(config).run_id).run_id
    assert wait_for_end(broken).state == "failed"
    visit(page, f"{address}/fashion?run={broken}&panel=train")
    diagnosis = page.locator(f".st-key-diagnosis-{broken}")
    expect(diagnosis.get_by_text("Learning rate too high")).to_be_visible(timeout=WITHIN)
    calm(page)
    diagnosis.get_by_role("button", name="Fork with the remedy").click()
    page.wait_for_url(re.compile(rf"run=(?!{broken})[0-9a-f]{{12}}"), timeout=WITHIN)
    forked = re.search(r"run=([0-9a-f]+)", page.url)[1]
    record = wait_for_end(forked)
    training = runs.open_run(forked).config.training
    assert record.parent == broken and record.state == "finished"
    assert (training.learning_rate, training.clip_norm) == (TOO_HIGH / 10, 1.0)
    assert record.metrics["accuracy"] > 0.3  # the broken run has none
    expect(diagnosis).to_have_count(0, timeout=WITHIN)  # the page shows the fork
    assert errors(console) == []
