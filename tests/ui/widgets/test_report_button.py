"""The Export panel offers a run as one HTML file."""

from dlcore.ui.widgets import export_import


def test_report_of_a_run_is_offered_as_html():
    content = export_import._report("reference:rnn/lstm")
    assert content.startswith(b"<!doctype html>") and b"Content-Security-Policy" in content
