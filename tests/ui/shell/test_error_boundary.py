"""Error boundary: an error becomes one line, also in a fragment."""

from streamlit.testing.v1 import AppTest


def fragment_script():
    import streamlit as st

    from dlcore.core.errors import DataError
    from dlcore.ui.shell import error_boundary

    @error_boundary.fragment
    def part(word: str) -> None:
        if st.button("break", key="break"):
            raise DataError(f"no {word} here: fetch it.")
        st.caption("whole")

    error_boundary.with_error_boundary(lambda: part("file"))


def test_error_in_a_fragment_is_one_line():
    app = AppTest.from_function(fragment_script, default_timeout=60).run()
    assert not app.exception and app.caption[0].value == "whole"
    app.button(key="break").click().run()
    assert not app.exception and app.error[0].value == "no file here: fetch it."


def script_without_bert():
    from dlcore import projects
    from dlcore.data.sources import bert_weights
    from dlcore.ui.pages.bert import explain as bert_explain

    bert_weights.find = lambda name: None
    bert_explain.explain(projects.get("bert"), None)


def test_missing_bert_is_offered_as_download(monkeypatch):
    from dlcore.data.sources import bert_weights

    monkeypatch.setattr(bert_weights, "find", bert_weights.find)  # restored after the test
    app = AppTest.from_function(script_without_bert, default_timeout=60).run()
    assert not app.exception and not app.error
    text = " ".join([*(element.value for element in (*app.markdown, *app.caption))])
    assert "all-MiniLM-L6-v2" in text or any("all-MiniLM-L6-v2" in button.label for button in app.button)
