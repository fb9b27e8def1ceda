"""The Export panel offers a run as one HTML file, a comparison its runs."""

from streamlit.testing.v1 import AppTest

from dlcore.ui.widgets import export_import


def test_report_of_a_run_is_offered_as_html():
    content = export_import._report(["reference:rnn/lstm"])
    assert content.startswith(b"<!doctype html>") and b"Content-Security-Policy" in content


def _buttons(*refs: str) -> list[str]:
    def draw(refs):
        from dlcore import runs
        from dlcore.ui.widgets.export_import import comparison_report_button

        comparison_report_button([runs.open_run(ref).record for ref in refs])

    app = AppTest.from_function(draw, args=(refs,)).run(timeout=60)
    assert not app.exception
    return [button.proto.label for button in app.get("download_button")]


def test_report_of_a_comparison_is_offered():
    assert _buttons("reference:vit/vit", "reference:vit/cnn") == ["Download report"]


def test_runs_of_several_projects_have_no_report():
    assert _buttons("reference:vit/vit", "reference:rnn/rnn") == []
