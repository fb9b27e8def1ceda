"""Page Your network: the editor, the checks of another process, and where custom code is off."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core.settings import ROOT
from dlcore.projects.custom import networks, source
from dlcore.projects.custom.check import CheckResult


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/workspace/custom.py")
    return app.run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def words(app: AppTest) -> str:
    return " ".join(str(part.value) for kind in ("markdown", "code", "warning", "error") for part in app.get(kind))


def test_failed_check_shows_the_line(monkeypatch):
    failed = CheckResult("takes the data", "failed", "line 3: `return x`: too wide.", 3)

    def check(text, project, dataset, *, target, settings, on_result):
        on_result(failed)
        return [failed]

    monkeypatch.setattr(networks, "check_network", check)
    app = open_page()
    assert not app.exception and "class ConvNet" in app.text_area[0].value
    app = press(app, "Check")
    assert not app.exception
    assert "too wide" in words(app) and "   3  " in words(app)
    assert "Train" not in [button.label for button in app.button]


def test_passed_network_is_stored_and_trained(monkeypatch):
    passed = [CheckResult("builds", "ok", "`ConvNet` builds.")]
    monkeypatch.setattr(networks, "check_network", lambda *_, **__: passed)
    launched = []
    monkeypatch.setattr("dlcore.ui.widgets.run_actions.launch_run", lambda make: launched.append(make().model) and None)
    app = press(open_page(), "Check")
    app.text_area[0].set_value(app.text_area[0].value.replace("width=16", "width=8")).run()
    assert "Train" not in [button.label for button in app.button]  # the text has changed since its check
    app = press(press(app, "Check"), "Train")
    assert not app.exception
    (model,) = launched
    assert source.find(model).text == app.text_area[0].value


def test_text_without_a_network_is_one_line():
    app = open_page()
    app.text_area[0].set_value("class Net(nn.Module)\n    pass").run()
    app = press(app, "Check")
    assert not app.exception and "line 1" in words(app)


def test_page_says_that_custom_code_is_off(monkeypatch):
    monkeypatch.setenv(source.SETTING, "0")
    app = open_page()
    assert not app.exception and not app.text_area
    assert "custom code is off" in words(app)


@pytest.mark.parametrize("panel", ["data", "train", "results", "predict", "explain"])
def test_other_panels_open_without_a_run(panel):
    app = open_page(panel=panel)
    assert not app.exception and "broke" not in " ".join(error.value for error in app.error)
