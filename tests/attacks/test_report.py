"""Hostile labels, names and verdicts in a report: shown as text, no element or handler of theirs exists."""

from html.parser import HTMLParser

import pytest
from hostile_texts import TEXT, hostile_bundle

from dlcore import runs
from dlcore.runs.report.document import render_report


class Page(HTMLParser):
    """Collects the elements and the text of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("reference", ["questions/rnn", "fashion/dense", "forecast/lstm", "seq2seq/sorting"])
def test_texts_of_a_bundle_stay_text(reference, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    record = runs.import_run(hostile_bundle(reference, tmp_path / "![p](x) <b>.zip"))
    for refs in ([record.run_id], [record.run_id, f"reference:{reference}"]):
        page = Page(render_report(refs))
        assert len(refs) > 1 or TEXT in page.text
        assert {"a", "iframe", "link"}.isdisjoint(name for name, _ in page.elements)
        assert all(a["src"].startswith("data:image/png;base64,") for name, a in page.elements if name == "img")
        assert not any(key.startswith("on") or key == "href" for _, attributes in page.elements for key in attributes)
