"""Pages without their dataset: they offer the download, train on an available dataset, and show no error."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dlcore.core.errors import DataError, DataMissingError
from dlcore.data.custom import texts as custom_texts
from dlcore.data.sources import locate as sources

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """Only the datasets that ship, and empty Streamlit caches."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))


def page(panel, **query):
    app = AppTest.from_file(str(ROOT / "pages" / "vision" / "fashion.py"), default_timeout=60)
    for name, value in {"panel": panel, **query}.items():
        app.query_params[name] = value
    return app.run()


def labels(app):
    return [button.label for button in app.button]


def test_missing_dataset_is_offered_with_size_and_license(bare):
    app = page("data")
    assert not app.exception and not app.error
    assert "Download" in labels(app)
    words = " ".join(m.value for m in app.markdown)
    assert "30.9 MB" in words and "license: MIT" in words


def test_predict_asks_for_an_upload_without_test_samples(bare):
    app = AppTest.from_file(str(ROOT / "pages" / "vision" / "architectures.py"), default_timeout=60)
    app.query_params["panel"] = "predict"
    app.run()
    assert not app.exception and "Download" not in labels(app)
    assert [uploader.label for uploader in app.get("file_uploader")]


def test_form_starts_with_an_available_dataset(bare):
    app = page("Train")
    dataset = next(box for box in app.selectbox if box.label == "Dataset")
    assert dataset.value == "digits"
    assert not next(b for b in app.button if b.label == "Train").disabled
    dataset.select("fashion_mnist").run()
    assert "Download" in labels(app)
    assert next(b for b in app.button if b.label == "Train").disabled


def test_failed_download_shows_the_reason_and_leaves_no_file(bare, monkeypatch, tmp_path):
    def fail(name, progress=None):
        progress(1, 2)
        raise DataError("no network: connect, then try again.")

    monkeypatch.setattr(sources, "fetch", fail)
    app = page("Data")
    next(b for b in app.button if b.label == "Download").click().run()
    assert [e.value for e in app.error] == ["no network: connect, then try again."]
    assert not (tmp_path / "cache").exists()


def test_require_raises_data_missing_error(bare):
    with pytest.raises(DataMissingError, match="dlcore data get fashion_mnist") as caught:
        sources.require("fashion_mnist")
    assert caught.value.dataset == "fashion_mnist"


@pytest.mark.parametrize("slug", ["news", "reviews_lstm", "reviews_transformer"])
def test_text_is_explained_and_results_are_complete_without_the_dataset(bare, slug):
    app = AppTest.from_file(str(ROOT / "pages" / "language" / f"{slug}.py"), default_timeout=60)
    app.query_params["panel"] = "explain"
    app.run()
    assert not app.exception and not app.error
    assert any(m.value.startswith("Predicted: **") for m in app.markdown)
    assert "Sanity checks" in [heading.value for heading in app.subheader]
    app.text_area[0].set_value("\u0000 ").run()
    assert not app.exception and "the text is empty" in app.error[0].value
    app.session_state["panel"] = "results"
    app.run()
    assert not app.exception and not app.error
    assert "Learning curves" in [heading.value for heading in app.subheader]
    assert any("texts are not on this machine" in caption.value for caption in app.caption)
    app.session_state["panel"] = "data"
    app.run()
    assert not app.exception and "Add your data: texts" in [fold.label for fold in app.expander]


def test_missing_word_vectors_disable_the_train_button(bare, monkeypatch, tmp_path):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path))
    custom_texts.IMPORTER.save(
        "mine", custom_texts.IMPORTER.preview(b"text,label\n" + b"".join(b"t%d,%d\n" % (n, n % 2) for n in range(20)))
    )
    app = AppTest.from_file(str(ROOT / "pages" / "language" / "news.py"), default_timeout=60)
    app.query_params["panel"] = "Train"
    app.run()
    next(box for box in app.selectbox if box.label == "Dataset").select("custom:mine").run()
    vectors = next(box for box in app.selectbox if box.label == "Vectors")
    assert vectors.value == "none"  # the quick preset of a custom dataset trains without what is missing
    assert not app.exception and not next(b for b in app.button if b.label == "Train").disabled
    vectors.select("glove").run()
    assert not app.exception and next(b for b in app.button if b.label == "Train").disabled
    assert any("set **Vectors** to “none” under More settings" in caption.value for caption in app.caption)
