"""Every panel of every page opens without an exception, with a reference run and an empty home."""

import html
import importlib
import re

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.runs import comparisons
from dlcore.ui.compare import comparison
from dlcore.ui.shell import home
from dlcore.ui.shell.menu import find_pages
from dlcore.ui.shell.page import PANELS

PAGES = find_pages()


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def open_page(slug: str = "", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    if slug:
        page = next(page for page in PAGES if page.slug == slug)
        app.switch_page(str(page.path.relative_to(ROOT)))
    return app.run()


def test_home_has_a_card_for_every_page():
    app = open_page()
    assert not app.exception and not app.error
    links = [element.proto.label for element in app.get("page_link")]
    words = html.unescape(" ".join(element.proto.body for element in app.get("html")))
    for page in PAGES:
        assert page.title in links
        assert page.summary in words


@pytest.mark.anydata
@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_every_panel_of_every_page_opens(page, panel):
    app = open_page(page.slug, panel=panel)
    assert not app.exception, app.exception
    assert "broke" not in " ".join(error.value for error in app.error)
    assert app.title[0].value == page.title
    text = " ".join(
        str(element.value) for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind)
    )
    assert not re.search(r"(?<![\\\w}^_$%])\{[a-z_]{2,}(:[^{}]*)?\}", text), text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_every_page_shows_a_comparison_started_on_it(page):
    first, second = (projects.configure(page.slug, preset="quick", seed=seed) for seed in (0, 1))
    started = comparisons.create("planted", {"first": [first], "second": [second]}, start=False)
    app = open_page(page.slug, panel="results", comparison=started.comparison_id)
    assert not app.exception and not app.error
    (view,) = [control for control in app.segmented_control if comparison.COMPARE in control.options]
    assert view.value == comparison.COMPARE
    (choice,) = [box for box in app.selectbox if box.label == "Comparison"]
    assert choice.value == started.comparison_id


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_page_and_project_agree_on_the_section(page):
    project = projects.get(page.slug)
    assert page.section == project.section
    assert page.title and page.summary.endswith(".")


def test_unknown_run_in_the_address_falls_back_to_an_existing_run():
    app = open_page("anomaly", panel="train", run="no-such-run")
    assert not app.exception and not app.error


def test_failing_panel_shows_one_error_line(monkeypatch):
    module = importlib.import_module("dlcore.ui.train.train")

    def broken(project, run):
        raise ValueError("a planted\nfault")

    monkeypatch.setattr(module, "train", broken)
    app = open_page("anomaly", panel="train")
    assert not app.exception
    (error,) = app.error
    assert "ValueError: a planted fault" in error.value
    assert "\n" not in error.value
    assert "Traceback" not in error.value


def test_panel_of_another_page_falls_back_to_results():
    app = open_page("anomaly", panel="step_by_step")
    assert not app.exception and not app.error
    assert app.segmented_control(key="panel").value == "results"


@pytest.mark.parametrize(("link", "panel"), [("try_it", "predict"), ("Data", "data"), ("predict", "predict")])
def test_link_with_a_panel_id_or_a_former_label_opens_the_panel(link, panel):
    app = open_page("vit", panel=link)
    assert not app.exception and app.segmented_control(key="panel").value == panel
    assert app.query_params["panel"] in (panel, [panel])


def test_vit_page_opens_with_a_transformer():
    app = open_page("vit", panel="explain")
    assert not app.exception and app.query_params["run"] == "reference:vit/hybrid"
    assert "Attention" in app.segmented_control(key="vit-view").options


@pytest.mark.parametrize("slug", ["fashion", "reviews_lstm", "reviews_bert", "vit"])
def test_page_opens_on_the_run_that_its_card_shows(slug):
    scores = {run.run_id: home._read.__wrapped__(run.run_id) for run in runs.references(slug)}
    app = open_page(slug, panel="predict")
    assert app.query_params["run"] in ([best := max(scores, key=lambda name: home._rank(scores[name]))], best)


def test_alarm_and_sample_survive_another_panel():
    app = open_page("anomaly", panel="explain")
    alarms = app.selectbox(key="alarm").options
    app.selectbox(key="alarm").select_index(2).run()
    app.segmented_control(key="panel").set_value("data").run()
    app.segmented_control(key="panel").set_value("explain").run()
    assert not app.exception and app.selectbox(key="alarm").options[app.selectbox(key="alarm").index] == alarms[2]
