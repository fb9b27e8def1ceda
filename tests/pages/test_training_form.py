"""The form of the Train panel gives the config that was asked for, and starts what it says."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore import runs
from dlcore.core.errors import RunError
from dlcore.core.settings import ROOT
from dlcore.data.sources import weights


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Launches nothing: keeps the configs that would have been trained."""
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    asked = []

    def create(config, *, parent=""):
        asked.append(config)
        raise RunError("kept for the test.")

    monkeypatch.setattr(runs, "create", create)
    return asked


def form() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "Train"
    app.switch_page("pages/series/anomaly.py")
    return app.run()


def press_train(app: AppTest) -> AppTest:
    return next(button for button in app.button if button.label == "Train").click().run()


def widget(group, label: str):
    return next(one for one in group if one.label == label)


def test_train_asks_for_the_preset_as_it_is(started):
    app = press_train(form())
    (config,) = started
    assert (config.project, config.preset, config.seed, config.device) == ("anomaly", "quick", 0, "auto")
    assert [error.value for error in app.error] == ["kept for the test."]


def test_what_is_changed_under_more_settings_arrives(started):
    app = form()
    widget(app.number_input, "Batch size (samples)").set_value(32).run()
    widget(app.number_input, "Seed").set_value(7).run()
    widget(app.selectbox, "Optimiser").set_value("sgd").run()
    press_train(app)
    (config,) = started
    assert (config.training.batch_size, config.seed, config.training.optimizer) == (32, 7, "sgd")


def test_another_model_brings_its_own_settings(started):
    app = form()
    widget(app.selectbox, "Model").set_value("lstm").run()
    assert not app.exception
    press_train(app)
    assert started[0].model == "lstm"


def test_weights_that_are_missing_are_offered_before_a_run_can_fail_for_want_of_them(started, monkeypatch):
    monkeypatch.setattr(weights, "find", lambda backbone: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["panel"] = "Train"
    app.switch_page("pages/vision/food.py")
    app.run()
    widget(app.selectbox, "Model").set_value("efficientnet_b0").run()
    assert widget(app.button, "Train").disabled and widget(app.button, "Download")
    assert app.session_state["compare-food-models"] == ["mobilenet_v2_scratch"]
    widget(app.selectbox, "Model").set_value("mobilenet_v2_scratch").run()
    assert "Download" not in [button.label for button in app.button]
