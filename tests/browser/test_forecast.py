"""The forecast page in a browser: metrics in Results, a forecast with a what-if, a search started."""

import re

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import expect
from server import calm, errors, serious, visit

from dlcore import runs
from dlcore.evaluation.metrics import format_percent

pytestmark = pytest.mark.browser
RUN = "reference:forecast/blend"


def test_results_show_metrics_of_the_run_and_its_baselines(page, address, console):
    evaluation = runs.open_run(RUN).finished_bundle.evaluation
    visit(page, f"{address}/forecast?panel=results&run={RUN}")
    facts = page.locator(".dl-run").first
    expect(facts).to_contain_text(f"{evaluation.metrics['r2_mean']:.3f}")
    expect(facts).to_contain_text(f"{evaluation.baselines['ridge']['r2_mean']:.3f}")
    covered = format_percent(evaluation.metrics["coverage_90"])
    expect(page.get_by_text(re.compile(rf"^Skill {evaluation.metrics['skill']:.3f}"))).to_be_visible()
    expect(page.get_by_text(f"90 % intervals cover {covered}")).to_be_visible()
    page.get_by_text("How the scores are computed").click()
    expect(page.get_by_text("is below persistence")).to_be_visible()
    expect(page.get_by_text(f"cover {covered} of the test values")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)
    assert errors(console) == []


@pytest.mark.realdata("air_quality")
def test_time_and_what_if_temperature_are_set_with_the_keyboard(page, address, console):
    visit(page, f"{address}/forecast?panel=predict&run={RUN}")
    origin = page.get_by_text("Forecast made at")
    expect(origin).to_contain_text("07:00", timeout=30_000)
    page.get_by_role("slider", name="First hour to forecast").press("ArrowRight")
    expect(origin).to_contain_text("08:00")
    calm(page)
    page.get_by_role("slider", name=re.compile("What-if: change of the past temperature")).press("PageUp")
    expect(page.get_by_text("what-if forecast").first).to_be_visible(timeout=15_000)
    assert errors(console) == []


def test_search_is_started_watched_and_paused(page, address, console):
    visit(page, f"{address}/fashion?panel=train")
    page.get_by_role("radio", name="Hyperparameter search").focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("New search")).to_be_visible()
    calm(page)
    page.get_by_role("combobox", name="Dataset", exact=True).click()
    page.get_by_role("option", name=re.compile("igits")).first.click()
    calm(page)
    page.get_by_role("button", name="Start search").click()
    page.wait_for_url(re.compile("search=search-"))
    expect(page.get_by_text("Best value").first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Optimization history").first).to_be_visible(timeout=30_000)
    pause, more = (page.get_by_role("button", name=name, exact=True) for name in ("Pause", "Add 10 trials"))
    pause.or_(more).first.click()
    expect(page.get_by_role("button", name="Delete", exact=True).or_(pause)).to_be_visible(timeout=30_000)
    assert page.get_by_text("This part of the page failed").count() == 0
    assert serious(page) == [] and errors(console) == []
