"""Explain panel of the BERT page: attention heads, evidence for a class, masked-word prediction."""

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import error_line
from dlcore.data.sources import bert_weights
from dlcore.data.text.corpora import clean_text
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.language import bert_reading, texts
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.explain_text import explain_text
from dlcore.ui.modalities.text_attention import show_grid
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.bars import show_probabilities
from dlcore.ui.widgets.choice import choose

ATTENTION, WORDS, BLANK = "Attention", "Evidence by word", "Fill in the blank"
PRETRAINED, SELECTED = "Pretrained BERT", "Selected run"
SENTENCE = "The animal did not cross the street because it was too tired."
WITH_BLANK = "The capital of France is [MASK]."


def explain(project: Project, run: Run | None) -> None:
    """Draw the panel; two of its views need no run."""
    view = choose("View", [ATTENTION, WORDS, BLANK], key="bert-view")
    if view == WORDS:
        bundle = run_cache.finished_bundle(run, to_see="evidence for and against a class")
        if bundle is not None and run is not None:
            explain_text(project, run, bundle)
    elif view == BLANK:
        _blank()
    else:
        _attention(run.bundle if run is not None else None)


@fragment
def _attention(bundle: Bundle | None) -> None:
    """Draw every attention head of every layer for a sentence."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    sentence = (
        clean_text(left.text_input("A sentence", SENTENCE, key="bert-look-said", max_chars=300, bind="query-params"))
        or "?"
    )
    names = [PRETRAINED, *([SELECTED] if bundle is not None else [])]
    network = right.selectbox("Network", names, key="bert-look-whose", bind="query-params")
    if network == SELECTED and bundle is not None:
        loaded = run_cache.load_model(bundle)
        encoded = texts.encode_text(loaded, sentence)
        words, attentions, version = encoded.words, texts.attentions(loaded, encoded), run_cache.bundle_key(bundle)
    else:
        name = _select_bert("bert-look-name")
        words, attentions = bert_reading.attend(_reader(name), sentence)
        version = name
    show_grid(attentions, words, version=f"{version}-{sentence}", key="bert-look")
    st.caption(
        f"{attentions.shape[0]} layers of {attentions.shape[1]} heads. In each map, rows are queries and columns keys; "
        "orange is more. Each row sums to 100 %. Many heads attend mostly to [SEP] or [CLS] (Clark et al. 2019). "
        f"Attention does not explain the predicted class: see “{WORDS}”."
    )


@fragment
def _blank() -> None:
    """Draw a sentence with a blank and the most likely word pieces in it."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    sentence = left.text_input(
        "A sentence with a blank, [MASK] or __", WITH_BLANK, key="bert-blank-said", max_chars=300, bind="query-params"
    )
    with right:
        reader = _reader(_select_bert("bert-blank-name"))
    try:
        blanks = bert_reading.fill_blanks(reader, sentence)
    except WorkbenchError as error:
        st.info(error_line(error), icon=":material/edit_off:")
        return
    for place, blank in enumerate(blanks):
        words, shares = zip(*blank.guesses, strict=True)
        title = f"blank {place + 1} of {len(blanks)}" if len(blanks) > 1 else "the blank"
        show_probabilities(np.array(shares), words)
        st.markdown(f"For {title}: **{words[0]}**, probability {format_percent(shares[0])}.")
    st.caption(
        "BERT's pretraining task: predict hidden words (15 % of the words) in millions of sentences. "
        "Probabilities are over all word pieces; ## continues a word. Several blanks are predicted "
        "independently."
    )


def _select_bert(key: str) -> str:
    """Return a BERT on this machine; draws a selectbox if there are several."""
    names = [name for name in bert_weights.list_names() if bert_weights.find(name)] or [bert_weights.OFFLINE]
    if len(names) == 1:
        return names[0]
    choice: str = st.selectbox("BERT model", names, key=key, bind="query-params")
    return choice


@cache_resource(max_entries=2, show_spinner="Loading the pretrained BERT")
def _loaded(name: str, checksum: str) -> bert_reading.SentenceReader:
    return bert_reading.reader(name)


def _reader(name: str) -> bert_reading.SentenceReader:
    return _loaded(name, bert_weights.require(name).checksum)
