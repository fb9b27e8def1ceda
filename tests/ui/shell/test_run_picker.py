"""The chooser of a page's run, and the address that goes with it."""

from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from dlcore.ui.shell import run_picker


def test_a_chooser_that_is_gone_does_not_move_the_page(monkeypatch):
    """Its old value comes along with the next rerun of a fragment, after a new run was started and chosen."""
    state = {"chooser-of-anomaly": "new", "old": "reference:anomaly/conv", "new": "abc"}
    page = SimpleNamespace(session_state=state, query_params={"run": "abc"})
    monkeypatch.setattr(run_picker, "st", page)
    run_picker._follow("anomaly", "old")
    assert page.query_params["run"] == "abc"
    state["new"] = "def"
    run_picker._follow("anomaly", "new")
    assert page.query_params["run"] == "def"


def test_the_chooser_follows_the_address_when_the_browser_goes_back(monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))

    def script():
        import streamlit as st

        from dlcore.ui.shell.run_picker import choose_run

        st.markdown(choose_run("questions").record.run_id)

    first, second = "reference:questions/gru", "reference:questions/rnn"
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = "nonsense"
    app.run()
    assert not app.exception and "does not exist here" in app.toast[0].value
    app.query_params["run"] = first
    app.run()
    assert not app.toast
    assert app.selectbox[0].value == app.markdown[0].value == first
    app.selectbox[0].set_value(second).run()
    assert app.selectbox[0].value == app.markdown[0].value == second and app.query_params["run"] in (second, [second])
    app.query_params["run"] = first
    app.run()
    assert app.selectbox[0].value == app.markdown[0].value == first and not app.exception


def test_a_page_opens_on_what_is_active_else_on_the_reference_run_it_names():
    def record(run_id, state="finished"):
        return SimpleNamespace(run_id=run_id, state=state)

    shipped = [record("reference:vit/cnn"), record("reference:vit/vit")]
    assert run_picker.first_choice(shipped) == "reference:vit/cnn"
    assert run_picker.first_choice(shipped, "vit") == "reference:vit/vit"
    assert run_picker.first_choice(shipped, "gone") == "reference:vit/cnn"
    assert run_picker.first_choice([record("abc", "running"), *shipped], "vit") == "abc"
