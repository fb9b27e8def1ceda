"""Page Watched runs: a loop appears live, with curves, gradients and diagnosis, and then its evaluation."""

import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

import dlcore
from dlcore.core.settings import ROOT
from dlcore.runs.watch import imports
from dlcore.ui.pages.runs import compare

FILES = ROOT / "tests" / "runs" / "watch" / "files"


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/workspace/watched.py")
    return app.run()


def text_of(app: AppTest) -> str:
    kinds = ("markdown", "caption", "info", "warning", "code", "html")
    return " ".join(
        str(getattr(element, "value", "") or element.proto.body) for kind in kinds for element in app.get(kind)
    )


def train(run, module: nn.Module, inputs: torch.Tensor, targets: torch.Tensor, *, loss=nn.functional.cross_entropy):
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    for epoch in (1, 2):
        for start in range(0, len(inputs), 20):
            value = loss(module(inputs[start : start + 20]), targets[start : start + 20])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            run.log(loss=value)
        run.log(epoch=epoch, val_loss=value)


def test_empty_page_shows_how_to_watch():
    app = open_page()
    assert not app.exception and not app.error
    assert "dlcore.watch(" in text_of(app)


@pytest.mark.parametrize("classes", [2, 4])
def test_classifier_is_live_and_then_evaluated(classes):
    torch.manual_seed(0)
    inputs = torch.randn(120, 6)
    targets = inputs[:, :classes].argmax(1)
    module = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, classes))
    with dlcore.watch(module, project="blobs") as run:
        train(run, module, inputs, targets)
        run._flush()
        app = open_page(run=run.run_id)
        assert not app.exception and not app.error
        assert "Running" in app.selectbox[0].value or "Running" in str(app.selectbox[0].options)
        assert "Gradient flow is healthy" in text_of(app)
        run.finish(module(inputs), targets, labels=[f"blob {number}" for number in range(classes)])
    app = open_page(run=run.run_id, panel="results")
    assert not app.exception and not app.error
    assert "Accuracy" in text_of(app)


def test_regression_is_evaluated():
    torch.manual_seed(0)
    inputs = torch.randn(100, 3)
    targets = inputs.sum(1, keepdim=True)
    module = nn.Linear(3, 1)
    with dlcore.watch(module) as run:
        train(run, module, inputs, targets, loss=nn.functional.mse_loss)
        run.finish(module(inputs), targets)
    app = open_page(run=run.run_id, panel="results")
    assert not app.exception and not app.error
    assert "R²" in text_of(app)
    assert dlcore.load(run.run_id).metrics["r2"] > 0.9


@pytest.mark.parametrize(
    "view", [compare.SETTINGS, compare.METRIC_VIEW, compare.TESTS, compare.SCATTER, compare.PARALLEL]
)
def test_imported_runs_compare_with_ours_on_the_runs_page(view):
    """Runs of TensorBoard and of Weights & Biases, beside one of the workbench."""
    records = [
        *imports.import_tracked(FILES / "events.out.tfevents.0"),
        *imports.import_tracked(FILES / "run-abc.wandb"),
    ]
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["runs"] = ",".join([*(record.run_id for record in records), "reference:fashion/dense"])
    app.query_params["view"] = view
    app.switch_page("pages/workspace/runs.py")
    app.run()
    assert not app.exception and not app.error, app.exception or app.error
    assert "**3 selected**" in " ".join(each.value for each in app.markdown)
    assert app.segmented_control(key="view").value == view
