"""Fields of a config become widgets with bounds, unit and help; changed values are returned."""

from typing import Literal

from streamlit.testing.v1 import AppTest

from dlcore.core.config import Config, choice, describe, number


class SampleConfig(Config):
    rate: float = number(0.5, low=0.0, high=1.0, help="A rate.")
    size: int = number(8, low=1, high=64, unit="samples", help="A size.")
    rule: Literal["adam", "sgd"] = choice("adam", help="A rule.")
    fast: bool = choice(False, help="A switch.")
    limit: int | None = number(None, low=1, high=9, help="May be empty.")


def app() -> None:
    import streamlit as st
    from sample_fields import FIELDS

    from dlcore.ui.widgets import forms

    st.session_state["changed"] = forms.setting_widgets(FIELDS, {"size": 16}, key="settings")


def opened(monkeypatch) -> AppTest:
    import sys
    import types

    module = types.ModuleType("sample_fields")
    module.FIELDS = describe(SampleConfig)
    monkeypatch.setitem(sys.modules, "sample_fields", module)
    return AppTest.from_function(app).run()


def test_untouched_form_returns_no_changes(monkeypatch):
    form = opened(monkeypatch)
    assert not form.exception
    assert form.session_state["changed"] == {}


def test_widget_has_bounds_unit_and_help(monkeypatch):
    form = opened(monkeypatch)
    size = next(field for field in form.number_input if field.label == "Size (samples)")
    assert (size.min, size.max, size.value) == (1, 64, 16)
    assert "A size. From 1 to 64 samples." in size.help


def test_changed_values_are_returned_by_name(monkeypatch):
    form = opened(monkeypatch)
    next(field for field in form.number_input if field.label == "Rate").set_value(0.25).run()
    form.selectbox[0].set_value("sgd").run()
    form.toggle[0].set_value(True).run()
    assert form.session_state["changed"] == {"rate": 0.25, "rule": "sgd", "fast": True}


def test_optional_number_starts_empty(monkeypatch):
    form = opened(monkeypatch)
    limit = next(field for field in form.number_input if field.label == "Limit")
    assert limit.value is None
    limit.set_value(3).run()
    assert form.session_state["changed"] == {"limit": 3}
