"""The form of the Train panel builds and starts a config."""

import os

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dlcore import projects, runs
from dlcore.core import devices
from dlcore.core.errors import RunError
from dlcore.core.settings import ROOT
from dlcore.data.sources import weights
from dlcore.runs import lifecycle, rate_tests


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Start no run; return the configs that would be trained."""
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    configs = []

    def create(config, *, parent="", executor=""):
        assert executor == os.environ.get("EXPECTED_EXECUTOR", "local")
        configs.append(config)
        raise RunError("not started in tests.")

    monkeypatch.setattr(runs, "create", create)
    return configs


def form() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "Train"
    app.switch_page("pages/series/anomaly.py")
    return app.run()


def press_train(app: AppTest) -> AppTest:
    return next(button for button in app.button if button.label == "Train").click().run()


def widget(group, label: str):
    return next(element for element in group if element.label == label)


def test_train_button_starts_the_preset(started):
    app = press_train(form())
    (config,) = started
    assert (config.project, config.preset, config.seed, config.device) == ("anomaly", "quick", 0, "auto")
    assert [error.value for error in app.error] == ["not started in tests."]


def test_changed_settings_reach_the_config(started):
    app = form()
    widget(app.number_input, "Batch size (samples)").set_value(32).run()
    widget(app.number_input, "Seed").set_value(7).run()
    widget(app.selectbox, "Optimizer").set_value("sgd").run()
    press_train(app)
    (config,) = started
    assert (config.training.batch_size, config.seed, config.training.optimizer) == (32, 7, "sgd")


def test_processes_share_the_cpu(started):
    app = form()
    widget(app.selectbox, "Device").set_value("cpu").run()
    app = widget(app.number_input, "Processes").set_value(2).run()
    assert any("batch norm uses the statistics of the part of each process" in c.value for c in app.caption)
    press_train(app)
    (config,) = started
    assert (config.devices, config.nodes) == (2, 1)


@pytest.mark.parametrize(
    ("executor", "labels"), [("local", {"Devices"}), ("slurm", {"Devices", "Nodes"})], ids=["machine", "cluster"]
)
def test_devices_are_offered_where_there_are_several(started, monkeypatch, executor, labels):
    st.cache_data.clear()
    gpus = [devices.Device(f"cuda:{number}", "GPU") for number in range(2)]
    monkeypatch.setattr(devices, "available", lambda: [*gpus, devices.Device("cpu", "CPU")])
    monkeypatch.setenv("DLCORE_EXECUTOR", executor)
    monkeypatch.setenv("EXPECTED_EXECUTOR", executor)
    app = form()
    names = {element.label for element in app.number_input} & {"Devices", "Nodes", "Processes"}
    for name in labels:
        widget(app.number_input, name).set_value(2)
    press_train(app.run())
    st.cache_data.clear()
    (config,) = started
    assert names == labels and config.processes == 2 ** len(labels)


def test_model_choice_reaches_the_config(started):
    app = form()
    widget(app.selectbox, "Model").set_value("lstm").run()
    assert not app.exception
    press_train(app)
    assert started[0].model == "lstm"


def test_the_cluster_is_offered_if_settings_name_it(started, monkeypatch):
    assert "Run on" not in [control.label for control in form().segmented_control]
    monkeypatch.setenv("DLCORE_SLURM_PARTITION", "gpu")
    app = form()
    control = widget(app.segmented_control, "Run on")
    assert control.value == "local" and control.options == ["This machine", "Cluster"]
    control.set_value("slurm").run()
    monkeypatch.setenv("EXPECTED_EXECUTOR", "slurm")
    press_train(app)
    assert len(started) == 1 and not app.exception


def test_missing_weights_are_offered_and_disable_the_train_button(started, monkeypatch):
    monkeypatch.setattr(weights, "find", lambda backbone: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "Train"
    app.switch_page("pages/vision/food.py")
    app.run()
    widget(app.selectbox, "Model").set_value("efficientnet_b0").run()
    assert widget(app.button, "Train").disabled and widget(app.button, "Download")
    assert app.session_state["compare-food-models"] == ["mobilenet_v2_scratch"]  # no weights at all here
    widget(app.selectbox, "Model").set_value("mobilenet_v2_scratch").run()
    assert not [button.key for button in app.button if button.key.startswith("download-weights")]


def test_range_test_fills_in_its_suggestion(started, monkeypatch):
    monkeypatch.setattr(lifecycle, "start", lambda folder, *, device: rate_tests.work(folder, print))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "Train"
    app.switch_page("pages/vision/fashion.py")
    app.run()
    widget(app.selectbox, "Dataset").set_value("digits").run()
    widget(app.button, "Start range test").click().run()
    assert not app.exception and not app.error, (app.exception, app.error)
    use = next(button for button in app.button if button.label.startswith("Use "))
    use.click().run()
    rate = float(use.label.removeprefix("Use "))
    assert widget(app.number_input, "Learning rate").value == rate and 3e-4 < rate < 0.1
    press_train(app)
    assert started[0].training.learning_rate == rate


def test_diagnosis_offers_a_fork_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    settings = {"learning_rate": 5.0, "epochs": 3}
    config = projects.configure("fashion", dataset="digits", preset="quick", device="cpu", settings=settings)
    runs.train_here(config, tmp_path / "bundle")
    run_id = runs.import_run(tmp_path / "bundle").run_id
    monkeypatch.setattr(lifecycle, "start", lambda folder, **where: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"], app.query_params["run"] = "Train", run_id
    app.switch_page("pages/vision/fashion.py")
    app.run()
    assert any("Learning rate too high" in markdown.value for markdown in app.markdown)
    widget(app.button, "Fork with the remedy").click().run()
    fork = next(record for record in runs.list_runs() if record.run_id != run_id)
    assert fork.parent == run_id and runs.open_run(fork.run_id).config.training.learning_rate == 0.5
