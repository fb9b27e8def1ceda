"""Run picker of a page and the run in its URL."""

from types import SimpleNamespace

from streamlit.testing.v1 import AppTest

from dlcore.ui.shell import run_picker


def test_outdated_picker_does_not_change_the_url(monkeypatch):
    """The old value is reported with the next rerun of a fragment, after a new run was started and selected."""
    state = {"run-picker-of-anomaly": "new", "old": "reference:anomaly/conv", "new": "abc"}
    page = SimpleNamespace(session_state=state, query_params={"run": "abc"})
    monkeypatch.setattr(run_picker, "st", page)
    run_picker._follow("anomaly", "old")
    assert page.query_params["run"] == "abc"
    state["new"] = "def"
    run_picker._follow("anomaly", "new")
    assert page.query_params["run"] == "def"


def test_picker_follows_the_url_when_the_browser_goes_back(monkeypatch, tmp_path):
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


def test_page_opens_on_an_active_run_else_on_the_named_reference_run():
    def record(run_id, state="finished"):
        return SimpleNamespace(run_id=run_id, state=state)

    references = [record("reference:vit/cnn"), record("reference:vit/vit")]
    assert run_picker.first_choice(references) == "reference:vit/cnn"
    assert run_picker.first_choice(references, "vit") == "reference:vit/vit"
    assert run_picker.first_choice(references, "gone") == "reference:vit/cnn"
    assert run_picker.first_choice([record("abc", "running"), *references], "vit") == "abc"


def test_label_has_titles_and_the_score_before_what_a_narrow_picker_cuts():
    from dlcore import runs
    from dlcore.runs import Record

    reference = runs.open_run("reference:fashion/dense").record
    assert run_picker.label(reference) == "★ Reference run · Dense 256-128-64 · accuracy 89.1 % · Fashion-MNIST"
    queued = Record("abcdef0123456789", "fashion", "dense", "own:products", "queued", preset="quick")
    parts = run_picker.label(queued).split(" · ")
    assert parts[1] == "Dense 256-128-64" and parts.index("abcdef01") < parts.index("quick") < parts.index("products")
