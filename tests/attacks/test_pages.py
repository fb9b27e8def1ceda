"""Hostile texts on the pages: labels, names and verdicts of a bundle, files to upload, and addresses."""

import pytest
from hostile_texts import HOST, TEXT, find_markup, hostile_bundle
from streamlit.testing.v1 import AppTest

from dlcore import runs
from dlcore.core.settings import ROOT
from dlcore.ui.shell.menu import find_pages

SERIES = "\n".join(["when,load", *(f"2021-03-{1 + i // 24:02d} {i % 24:02d}:00,{i % 24}" for i in range(400))])
TEXTS = "\n".join(["text,label", *(f"word {i},{i % 2}" for i in range(40))])
PLACES = [
    *(("questions/rnn", panel) for panel in ("train", "results", "predict")),
    *(("fashion/dense", panel) for panel in ("results", "predict")),
    *(("rnn/rnn", "explain"), ("forecast/lstm", "results"), ("seq2seq/sorting", "predict")),
]
UPLOADS = {
    "a column": ("anomaly", "custom-series-file", "a.csv", SERIES.replace("when,load", f"when,{TEXT[:190]}")),
    "a cell": ("anomaly", "custom-series-file", "a.csv", SERIES.replace(",5\n", f",{TEXT}\n", 1)),
    "a time": ("anomaly", "custom-series-file", "a.csv", SERIES.replace("2021-03-01 05:00", TEXT, 1)),
    "a label": ("questions", "custom-text-file", "a.csv", TEXTS.replace(",1\n", f",{TEXT[:190]}\n")),
    "a text": ("questions", "custom-text-file", "a.csv", TEXTS.replace("word", TEXT)),
    "a file's name": ("anomaly", "custom-series-file", f"{TEXT.replace('/', '_')}.csv", "nothing"),
}
ADDRESSES = (("run", "panel", "of", "food-input", "<script>"), ("run",), ("part", "open"))


@pytest.fixture(autouse=True)
def fresh_home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))


def open_page(slug: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(str(next(page.path for page in find_pages() if page.slug == slug).relative_to(ROOT)))
    return app.run()


@pytest.mark.parametrize(("reference", "panel"), PLACES)
def test_texts_of_a_bundle_are_shown_as_text(reference, panel, tmp_path):
    record = runs.import_run(hostile_bundle(reference, tmp_path / f"![p](https:__{HOST}) <b>.zip"))
    app = open_page(reference.split("/")[0], panel=panel, run=record.run_id)
    assert not app.exception and not find_markup(app)
    assert app.query_params["run"] in (record.run_id, [record.run_id])


@pytest.mark.parametrize("kind", UPLOADS)
def test_texts_of_a_file_are_shown_as_text(kind):
    slug, key, name, text = UPLOADS[kind]
    app = open_page(slug, panel="data")
    app.file_uploader(key=key).set_value((name, text.encode(), "text/csv")).run()
    assert not app.exception and not find_markup(app)


@pytest.mark.parametrize("names", ADDRESSES)
def test_address_is_not_shown_as_markup(names):
    app = open_page("food", **dict.fromkeys(names, TEXT))
    assert not app.exception and not find_markup(app)
