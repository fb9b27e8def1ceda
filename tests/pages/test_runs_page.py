"""Page Runs: filters and selection in the URL, actions on runs, comparison, trash and disk."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.runs import trash
from dlcore.runs.annotations import annotate, read_annotation
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import write_state
from dlcore.ui.pages.runs import compare, table
from dlcore.ui.shell.menu import find_pages, workspace_pages

THREE = ",".join(f"reference:architectures/{name}" for name in ("resnet18", "vgg16_c", "resnext"))


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/workspace/runs.py")
    app.run()
    assert not app.exception and not app.error, app.exception or app.error
    return app


def names(app: AppTest) -> list[str]:
    return app.dataframe[0].value["Run"].tolist()


def stored_run(name: str, **annotation: object) -> str:
    run_id = runs.create(projects.configure("fashion", dataset="digits", preset="quick", device="cpu")).run_id
    write_state(of_run(run_id), "finished", epoch=1, metrics={"accuracy": 0.91}, duration_s=3.0)
    annotate(run_id, name=name, **annotation)
    return run_id


def test_page_is_in_the_menu_and_not_among_the_projects():
    assert [page.slug for page in workspace_pages()] == ["runs", "watched", "custom"]
    assert "runs" not in {page.slug for page in find_pages()}


def test_all_runs_of_all_projects_are_listed_favorites_first(home):
    stored_run("first")
    stored_run("second", is_favorite=True)
    stored_run("third", is_hidden=True)
    app = open_page()
    assert names(app)[:2] == ["second", "first"] and "third" not in names(app)
    assert len(names(app)) == 2 + len(runs.references())
    row = app.dataframe[0].value.iloc[0]
    assert (row["Metric"], row["Score"], row["★"]) == ("Accuracy (%)", pytest.approx(91.0), "★")


def test_first_rows_are_there_before_the_live_table(home):
    stored_run("<b>first</b>")
    stored_run("hidden one", is_hidden=True)
    for query, expected in (({}, "&lt;b&gt;first&lt;/b&gt;"), ({"only": "Hidden"}, "hidden one")):
        app = open_page(**query)
        (frame,) = [each.proto.body for each in app.get("html") if "<table" in each.proto.body]
        rows = frame.split("<tr")[2:]
        assert expected in rows[0] and "91" in rows[0] and "<b>" not in frame
        assert len(rows) == min(11, len(names(app)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search": "needle"}, ["first"]),
        ({"search": "blue second"}, ["second"]),
        ({"tags": "blue"}, ["second"]),
        ({"only": "Favorites"}, ["second"]),
        ({"only": "Hidden"}, ["third"]),
        ({"search": "nothing of the kind"}, []),
    ],
)
def test_filters_of_a_link_are_restored(home, query, expected):
    stored_run("first", note="a needle")
    stored_run("second", is_favorite=True, tags=["blue"])
    stored_run("third", is_hidden=True)
    assert names(open_page(**query)) == expected


def test_project_and_state_filters(home):
    run_id = stored_run("first")
    app = open_page(projects="Fashion classification", states="Finished")
    assert names(app) == ["first"]
    app = open_page(projects="Fashion classification")
    assert set(names(app)) == {"first", "fashion/dense", "fashion/improved"}
    assert runs.open_run(run_id).record.project == "fashion"


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (compare.SETTINGS, "Only settings that differ"),
        (compare.METRIC_VIEW, "Mean over seeds"),
        (compare.TESTS, "Holm-corrected"),
        (compare.CLASSES, ""),
        (compare.DISAGREEMENTS, "First seed of each variant"),
        (compare.SCATTER, ""),
        (compare.PARALLEL, ""),
    ],
)
def test_link_opens_the_comparison_in_its_view(home, view, text):
    app = open_page(runs=THREE, view=view)
    assert app.segmented_control(key="view").value == view
    markdown = " ".join(each.value for each in app.markdown)
    assert "**No difference between ResNet-18 and ResNeXt**" in markdown and "**3 selected**" in markdown
    assert text in " ".join(each.value for each in app.caption)


def test_runs_that_cannot_be_tested_show_the_reason(home):
    app = open_page(runs="reference:anomaly/calendar,reference:fashion/dense", view=compare.TESTS)
    assert "No paired test:** other data: nyc_taxi and fashion_mnist" in " ".join(each.value for each in app.markdown)
    assert app.dataframe[1].value["Verdict"].tolist() == ["No test: other data: nyc_taxi and fashion_mnist"]


def test_delete_is_undone(home):
    run_id = stored_run("first")
    app = open_page(runs=run_id)
    app.button(key="runs-Delete").click().run()
    assert not app.exception and runs.list_runs() == [] and len(trash.list_trash()) == 1
    app.button(key="runs-undo").click().run()
    assert [record.run_id for record in runs.list_runs()] == [run_id]


def test_favorite_and_hide(home):
    run_id = stored_run("first")
    app = open_page(runs=run_id)
    app.button(key="runs-Favorite").click().run()
    assert read_annotation(run_id).is_favorite
    app.button(key="runs-Hide").click().run()
    assert read_annotation(run_id).is_hidden and "first" not in names(app)
    assert table.RUNS not in app.query_params


def test_unknown_run_in_the_link_is_ignored(home):
    app = open_page(runs="no-such-run,reference:fashion/dense")
    assert "**1 selected**" in [each.value for each in app.markdown]


def test_project_page_restores_chosen_runs(home):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    run_ids = "reference:fashion/dense,reference:fashion/improved"
    for name, value in {"panel": "results", "comparison": "chosen", "compared": run_ids}.items():
        app.query_params[name] = value
    app.switch_page("pages/vision/fashion.py")
    app.run()
    assert not app.exception and not app.error and not app.warning
    (box,) = [box for box in app.multiselect if box.label == "Runs"]
    assert box.value == run_ids.split(",")
