"""The reviews page without a BERT: stored results are shown, the download is offered."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dlcore.data.sources import bert_checkpoint, bert_weights
from dlcore.data.text import token_states

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "assets" / "runs" / "reviews_bert").is_dir(), reason="no reference run is packaged"
)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """No BERT, not even the packaged one."""
    st.cache_resource.clear()
    st.cache_data.clear()
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bert_weights, "_package_folders", lambda about: [])
    bert_checkpoint._check.cache_clear()


def page(panel):
    app = AppTest.from_file(str(ROOT / "pages" / "language" / "reviews_bert.py"), default_timeout=60)
    app.query_params["panel"] = panel
    return app.run()


def test_results_need_no_bert(bare):
    app = page("Results")
    assert not app.exception and not app.error
    assert "Accuracy " in " ".join(each.value for each in app.markdown)


@pytest.mark.parametrize("panel", ["data", "predict"])
def test_panels_that_need_bert_offer_the_download(bare, panel):
    app = page(panel)
    assert not app.exception and not app.error
    words = " ".join(element.value for element in app.markdown)
    assert "all-MiniLM-L6-v2, a pretrained BERT: not on this machine yet" in words
    assert "90.9 MB" in words and "license: Apache-2.0" in words
    assert "Download" in [button.label for button in app.button]


def test_feature_cache_size_is_shown_and_freed(bare, monkeypatch):
    import numpy as np

    token_states.save("a" * 32, np.zeros((10, 4), dtype=np.float16), np.array([0, 10]))
    app = page("Data")
    assert "in 1 files, at most 20 GB" in " ".join(element.value for element in app.markdown)
    next(button for button in app.button if button.label == "Clear cache").click().run()
    assert token_states.usage() == (0, 0) and not app.exception
