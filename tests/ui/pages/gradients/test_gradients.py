"""Gradients page: diagnoses and remedies of reference runs, forks, short runs."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core.settings import ROOT
from dlcore.data.sources import locate as sources
from dlcore.evaluation import agreement
from dlcore.runs import actions
from dlcore.runs.folder import of_run
from dlcore.runs.lifecycle import write_state
from dlcore.training.events import MEASURES
from dlcore.ui.pages.gradients import flow
from dlcore.ui.pages.gradients import grid as gradients_grid
from dlcore.ui.pages.gradients.panels import LESSONS
from dlcore.ui.widgets import run_actions

REFERENCE = "reference:gradients/vgg_deep"


@pytest.fixture(autouse=True)
def _fresh(home):
    """Use an empty store."""


@pytest.mark.parametrize(("better", "worse"), [pair[:2] for pair in LESSONS])
def test_reference_runs_support_the_lessons(better, worse):
    first, second = (runs.open_run(f"reference:gradients/{name}").finished_bundle for name in (better, worse))
    assert agreement.agreement_of_predictions(first.predictions(), second.predictions()).verdict == "first"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vgg_deep", "vanishing"),
        ("sigmoid", "vanishing"),
        ("residual_bare", "exploding"),
        ("resnet", "healthy"),
        ("plain_norm", "healthy"),
        ("plain_norm_shallow", "healthy"),
        ("resnet_deep", "healthy"),
    ],
)
def test_diagnosis_of_each_reference_run(name, kind):
    network = flow.load_network(runs.open_run(f"reference:gradients/{name}"), name)
    assert network.diagnosis.kind == kind
    if name == "vgg_deep":  # early layers far below late ones, accuracy near chance
        metrics = runs.evaluate(f"reference:gradients/{name}")["metrics"]
        assert network.diagnosis.ratio < 1e-6 and metrics["accuracy_low"] < 0.1 < metrics["accuracy_high"]


def open_panel(panel: str, run: str = REFERENCE) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = panel
    app.query_params["run"] = run
    app.switch_page("pages/vision/gradients.py")
    return app.run()


def visible_text(app: AppTest) -> str:
    return " ".join(element.value for element in (*app.markdown, *app.caption))


def test_plain_network_has_a_diagnosis_and_remedies():
    app = open_panel("results")
    assert not app.exception and not app.error
    assert "The gradient vanishes: layer 1 gets" in visible_text(app)
    labels = [button.label for button in app.button]
    assert {"Batch norm", "Skip connections", "He init", "Clip at 1", "A tenth of the learning rate"} <= set(labels)
    assert "ResNet, 20 layers is better than VGG-deep, 20 layers" in visible_text(app)


def test_every_measure_has_a_heat_map():
    app = open_panel("results")
    for measure in MEASURES:
        next(group for group in app.button_group if group.key == "flow-measure").set_value(measure).run()
        assert not app.exception and not app.error


def test_remedy_forks_the_run_with_one_changed_setting(monkeypatch):
    monkeypatch.setattr(run_actions.runs, "start", lambda run_id: None)
    app = open_panel("results")
    next(button for button in app.button if button.label == "Batch norm").click().run()
    assert not app.exception and not app.error
    (record,) = runs.list_runs("gradients")
    assert record.parent == REFERENCE
    before, after = runs.open_run(REFERENCE).config, runs.open_run(record.run_id).config
    assert before.model_options.model_copy(update={"normalization": "batch"}) == after.model_options
    assert before.training == after.training


@pytest.mark.realdata("fashion_mnist")
def test_short_runs_are_diagnosed_and_the_latest_are_stored():
    app = open_panel("predict")
    assert sources.is_available("fashion_mnist") and not app.error
    next(button for button in app.button if button.key == "short-run").click().run()
    assert not app.exception and "The gradient vanishes" in visible_text(app) and "50 steps in" in visible_text(app)
    next(box for box in app.selectbox if box.label == "Normalization").set_value("batch").run()
    next(button for button in app.button if button.key == "short-run").click().run()
    assert not app.exception and "Gradient flow is healthy" in visible_text(app)
    assert len(app.session_state["gradients-runs"]) == 2


def test_comparison_includes_gradient_flow():
    app = open_panel("results")
    app.session_state["view"] = "Compare"
    app.run()
    assert not app.exception and not app.error, app.error
    assert "**No difference between ResNet, 38 layers and ResNet, 20 layers** at equal epochs" in visible_text(app)
    assert "Gradient flow" in [heading.value for heading in app.subheader]
    assert any(group.key == "compared-flow-measure" for group in app.button_group)


def test_grid_cells_are_all_combinations():
    selected = {
        "depth": [8, 20],
        "skip_connections": [False],
        "normalization": ["none", "batch"],
        "initialization": ["he"],
        "activation": ["relu"],
    }
    cells = gradients_grid.cells(selected, 0.1)
    assert [(cell["depth"], cell["normalization"]) for cell in cells] == [
        (8, "none"),
        (8, "batch"),
        (20, "none"),
        (20, "batch"),
    ]
    assert {cell["learning_rate"] for cell in cells} == {0.1}
    assert gradients_grid.cells({**selected, "skip_connections": []}, 0.1) == []


@pytest.mark.realdata("fashion_mnist")
def test_grid_diagnoses_every_network():
    app = open_panel("predict")
    app.session_state["gradients-mode"] = "Grid"
    app.session_state["grid-depth"] = [8]
    app.session_state["grid-skip_connections"] = [False]
    app.run()
    next(button for button in app.button if button.key == "grid-run").click().run()
    assert not app.exception and not app.error
    assert "healthy in **1 of 2** networks" in visible_text(app)
    (row,) = app.dataframe[0].value.to_dict("records")
    assert row["no norm"].startswith("○ dying units") and row["batch norm"].startswith("✓ healthy")
    app.session_state["grid-depth"] = [8, 14, 20, 38, 56]
    app.session_state["grid-skip_connections"] = [False, True]
    app.run()
    assert next(button for button in app.button if button.key == "grid-run").disabled
    assert "20 networks are too many" in visible_text(app)


@pytest.mark.realdata("fashion_mnist")
def test_diverged_short_run_reports_its_last_step():
    app = open_panel("predict")
    next(box for box in app.selectbox if box.label == "Initialization").set_value("he").run()
    next(box for box in app.number_input if box.label == "Learning rate").set_value(1.0).run()
    next(box for box in app.number_input if box.label == "Depth (layers)").set_value(40).run()
    next(button for button in app.button if button.key == "short-run").click().run()
    assert not app.exception and "Training stopped at step" in visible_text(app)


def test_run_that_diverged_before_the_first_record_has_a_diagnosis_and_remedies():
    run_id = actions.create(projects.configure("gradients", dataset="digits", preset="quick")).run_id
    write_state(of_run(run_id), "failed", "not finite: Not a finite number at step 3, layer 'stem.0': its output grew.")
    app = open_panel("results", run_id)
    assert not app.exception and not app.error
    assert "Training stopped at step 3" in visible_text(app)
    assert "Batch norm" in [button.label for button in app.button]


def test_ratio_without_gradient_is_zero():
    norms = np.full((3, 8), 0.1)
    norms[:, :4] = 0
    gradient_norms = runs.GradientNorms(tuple(f"pairs.{i}.0" for i in range(8)), np.arange(3), norms)
    assert flow.ratio(flow.build_network(gradient_norms, "a")) == "0"
