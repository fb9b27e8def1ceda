"""A run in the browser: start, watch, leave, return, pause, resume, stop."""

import json
import os
import re
import signal

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Page, expect
from server import calm, visit, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(280)]
EPOCHS = 10_000
PLOT = "document.querySelector('.dl-curves .dl-plot')"
RANGE = f"(layout => [layout.xaxis.range, layout.yaxis.range])({PLOT}._fullLayout)"
POINTS = f"{PLOT}.data[0].x.length"
WITHIN = 90_000


def epoch(page: Page) -> int:
    match = re.search(r"epoch (\d+) of", page.locator(".st-key-jobs-bar").inner_text(timeout=WITHIN))
    return int(match.group(1)) if match else 0


def wait_for_epoch(page: Page, at_least: int) -> int:
    for _ in range(240):
        now = epoch(page) if page.locator(".st-key-jobs-bar").count() else 0
        if now >= at_least:
            return now
        page.wait_for_timeout(250)
    raise AssertionError(f"epoch {at_least} was not reached: {page.locator('[data-testid=stMain]').inner_text()[:800]}")


def badge(page: Page, state: str) -> None:
    expect(page.locator("[data-testid=stMarkdownContainer] .stMarkdownBadge", has_text=state).first).to_be_visible(
        timeout=WITHIN
    )


@pytest.fixture(scope="module")
def run_address(address, context):
    """Starts a long run from the form; returns its address."""
    page = context.new_page()
    visit(page, f"{address}/anomaly?panel=train")
    page.locator("[class*=st-key-model-]").get_by_role("combobox").click()
    page.get_by_role("option", name=re.compile("5-64-32-2|32", re.I)).first.click()
    expect(page.get_by_text("Compresses the count")).to_be_visible(timeout=WITHIN)  # the form of the chosen model
    calm(page)
    page.get_by_text("More settings").click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_count(1)  # the fields of the previous form are gone
    page.get_by_label("Epochs", exact=True).fill(str(EPOCHS))
    page.get_by_label("Epochs", exact=True).press("Enter")
    calm(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_url(re.compile(r"run=[0-9a-f]{12}"), timeout=WITHIN)
    url = page.url
    page.close()  # closing the tab must not stop the run
    return url


def test_training_continues_with_the_tab_closed(run_address, context, page):
    closed = context.new_page()
    visit(closed, run_address)
    first = wait_for_epoch(closed, 1)
    later = wait_for_epoch(closed, first + 1)
    closed.close()
    visit(page, run_address)
    assert wait_for_epoch(page, later + 1) > later


def test_zoom_survives_a_live_update(run_address, page):
    visit(page, run_address)
    page.locator(".dl-curves .nsewdrag").first.wait_for(timeout=WITHIN)
    page.locator(".dl-curves .dl-select").select_option("step")
    box = page.locator(".dl-curves .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 110, steps=6)
    page.mouse.up()
    page.wait_for_timeout(400)
    zoomed, points = page.evaluate(RANGE), page.evaluate(POINTS)
    wait_until(page, f"{POINTS} > {points}", timeout=WITHIN)
    assert page.evaluate(RANGE) == zoomed
    assert page.locator(".dl-curves .dl-select").input_value() == "step"


def test_jobs_bar_links_from_another_page_to_the_run(run_address, address, page):
    visit(page, f"{address}/fashion")
    page.locator(".st-key-jobs-bar a").first.click(timeout=WITHIN)
    page.wait_for_url("**/anomaly?**")
    wait_until(page, "new URL(location).searchParams.get('panel') === 'train'", timeout=WITHIN)
    run_id = re.search(r"run=([0-9a-f]+)", run_address).group(1)
    wait_until(page, f"new URL(location).searchParams.get('run') === '{run_id}'")


def test_stop_is_shown_although_the_worker_does_not_answer(run_address, page, server_home):
    visit(page, run_address)
    badge(page, "Running")
    run_id = re.search(r"run=([0-9a-f]+)", run_address).group(1)
    pid = json.loads((server_home / "runs" / run_id / "worker.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        page.get_by_role("button", name="Pause", exact=True).first.click()
        badge(page, "Pausing")
        expect(page.locator(".st-key-jobs-bar", has_text="Pausing")).to_be_visible(timeout=WITHIN)
        expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(0)
    finally:
        os.kill(pid, signal.SIGCONT)
    badge(page, "Paused")
    page.get_by_role("button", name="Resume", exact=True).first.click()
    badge(page, "Running")


def test_pause_resume_stop(run_address, page):
    visit(page, run_address)
    page.get_by_role("button", name="Pause", exact=True).first.click()
    badge(page, "Paused")
    expect(page.locator(".st-key-jobs-bar", has_text="Paused")).to_be_visible(timeout=WITHIN)
    progress = page.locator("[data-testid=stProgress]", has_text="epochs done").first
    done = int(re.search(r"(\d+) of \d+ epochs done", progress.inner_text()).group(1))
    page.get_by_role("button", name="Resume", exact=True).first.click()
    badge(page, "Running")
    wait_for_epoch(page, done + 1)
    page.get_by_role("button", name="Stop", exact=True).first.click()
    badge(page, "Stopped")
    metric = page.get_by_text(re.compile("NAB score|on test")).first  # a bundle with metrics
    expect(metric).to_be_visible(timeout=WITHIN)
    calm(page)
    page.get_by_text("Export run").click()
    button = page.get_by_role("button", name="Download bundle")
    expect(button).to_be_visible(timeout=WITHIN)
    calm(page)  # a press while the page is drawn again would be lost
    with page.expect_download(timeout=WITHIN) as download:
        button.click()
    assert download.value.suggested_filename.endswith(".zip")


def test_ended_run_is_deleted_after_a_confirmation(run_address, page, server_home):
    visit(page, run_address)
    badge(page, "Stopped")
    run_id = re.search(r"run=([0-9a-f]+)", run_address).group(1)
    page.get_by_role("button", name="Delete", exact=True).click()
    assert (server_home / "runs" / run_id).exists()
    page.get_by_role("button", name="Delete run").click()
    wait_until(page, f"new URL(location).searchParams.get('run') !== '{run_id}'", timeout=WITHIN)
    assert not (server_home / "runs" / run_id).exists()
