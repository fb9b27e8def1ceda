"""Sign-in on a shared server: without it, no page is drawn."""

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.core import access
from dlcore.core.errors import ConfigError
from dlcore.core.settings import ROOT
from dlcore.ui.shell import sign_in


@pytest.fixture
def server(home, monkeypatch):
    settings = home.parent / "shared.toml"
    settings.write_text('administrators = ["ada@example.org"]\n')
    monkeypatch.setenv(access.SHARED, str(settings))
    monkeypatch.setattr(access, "_sessions", [])
    sign_in.prepare()
    return settings


def open_page(path, *, secrets=None):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if secrets is not None:
        app.secrets["auth"] = secrets
    return app.switch_page(path).run()


@pytest.mark.parametrize("path", ["pages/workspace/runs.py", "pages/vision/fashion.py"])
def test_without_sign_in_there_is_only_the_button(server, path):
    app = open_page(path, secrets={"client_id": "dlcore"})
    assert [title.value for title in app.title] == ["Sign in"] and not app.exception and not app.error
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.dataframe and not app.selectbox


def test_missing_configuration_is_named(server, monkeypatch):
    monkeypatch.setattr(sign_in, "_is_configured", lambda: False)
    app = open_page("pages/workspace/runs.py")
    assert "Sign-in is not configured" in app.error[0].value and not app.button and not app.exception


def test_server_with_broken_settings_does_not_start(server):
    server.write_text("administrators = 1")
    with pytest.raises(ConfigError, match="administrators"):
        sign_in.prepare()


def test_only_administrators_have_the_page(server, monkeypatch):
    for name, is_there in (("ada@example.org", True), ("anna@example.org", False)):
        access.use_sessions(lambda name=name: name)
        assert sign_in.is_administrator() is is_there
    access.use_sessions(lambda: "ada@example.org")
    app = open_page("pages/workspace/administration.py")
    assert not app.exception and not app.error
    assert [title.value for title in app.title] == ["Administration"] and "0 jobs" in app.subheader[0].value


def test_nothing_changes_for_one_person(home, monkeypatch):
    monkeypatch.delenv(access.SHARED, raising=False)
    app = open_page("pages/workspace/runs.py")
    assert [title.value for title in app.title] == ["Runs"] and not sign_in.is_administrator()
