"""Explain on the page on BERT: where its heads look, which words speak for a class, what it puts into a blank."""

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.sources import bert_weights
from dlcore.data.text.corpora import clean_text
from dlcore.plots import classification as plots
from dlcore.projects.language import bert_reading, texts
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.modalities.explain_text import explain_text
from dlcore.ui.modalities.text_attention import show_grid
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

LOOK, WORDS, BLANK = "Where it looks", "Words for and against", "Fill in the blank"
UNTOUCHED, OF_RUN = "The pretrained BERT, untouched", "The run chosen at the top"
SENTENCE = "The animal did not cross the street because it was too tired."
WITH_BLANK = "The capital of France is [MASK]."


def explain(project: Project, run: Run | None) -> None:
    """Draw the panel; two of its views need no run."""
    view = st.segmented_control(
        "What to see", [LOOK, WORDS, BLANK], default=LOOK, required=True, key="bert-view", label_visibility="collapsed"
    )
    if view == WORDS:
        bundle = run_cache.finished_bundle(run, to_see="which words speak for and against a class")
        if bundle is not None and run is not None:
            explain_text(project, run, bundle)
    elif view == BLANK:
        _blank()
    else:
        _look(run.bundle if run is not None else None)


@fragment
def _look(bundle: Bundle | None) -> None:
    """A sentence, and every head of every layer over it."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    said = clean_text(left.text_input("A sentence", SENTENCE, key="bert-look-said", max_chars=300)) or "?"
    names = [UNTOUCHED, *([OF_RUN] if bundle is not None else [])]
    whose = right.selectbox("Which network", names, key="bert-look-whose")
    if whose == OF_RUN and bundle is not None:
        loaded = run_cache.load_model(bundle)
        seen = texts.encode_text(loaded, said)
        words, taken, version = seen.words, texts.attentions(loaded, seen), run_cache.bundle_key(bundle)
    else:
        name = _which("bert-look-name")
        words, taken = bert_reading.attend(_reader(name), said)
        version = name
    show_grid(taken, words, version=f"{version}-{said}", key="bert-look")
    st.caption(
        f"{taken.shape[0]} layers of {taken.shape[1]} heads. In each small map a row is a token that looks, a column "
        "one that is looked at; the more orange, the more. Every token shares out 100 %. Many heads rest on [SEP] or "
        "[CLS] where they have nothing to say (Clark et al. 2019). Where a head looks is not yet why a text gets its "
        f"class: “{WORDS}” asks that."
    )


@fragment
def _blank() -> None:
    """A sentence with a blank, and the likeliest pieces in it."""
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    said = left.text_input("A sentence with a blank, [MASK] or __", WITH_BLANK, key="bert-blank-said", max_chars=300)
    with right:
        found = _reader(_which("bert-blank-name"))
    try:
        blanks = bert_reading.fill_blanks(found, said)
    except WorkbenchError as error:
        st.info(one_line(error), icon=":material/edit_off:")
        return
    for place, blank in enumerate(blanks):
        words, shares = zip(*blank.guesses, strict=True)
        title = f"blank {place + 1} of {len(blanks)}" if len(blanks) > 1 else "the blank"
        figure = plots.class_probabilities(np.array(shares), words)
        show_figure(figure, key=f"blank-{place}", alt=f"For {title} likeliest is {words[0]} at {shares[0]:.1%}")
        st.markdown(f"For {title} it says **{words[0]}**, with a probability of {shares[0]:.1%}.")
    st.caption(
        "This is what BERT learnt from: of millions of sentences one word in seven was hidden, and it had to tell it. "
        "The shares are over all pieces of words that it knows; ## goes on a word. With several blanks each is guessed "
        "on its own."
    )


def _which(key: str) -> str:
    """A BERT on this machine; asked for where there are several."""
    names = [name for name in bert_weights.list_names() if bert_weights.find(name)] or [bert_weights.OFFLINE]
    if len(names) == 1:
        return names[0]
    chosen: str = st.selectbox("Which BERT", names, key=key)
    return chosen


@st.cache_resource(max_entries=2, show_spinner="Loading the pretrained BERT")
def _loaded(name: str, checksum: str) -> bert_reading.SentenceReader:
    return bert_reading.reader(name)


def _reader(name: str) -> bert_reading.SentenceReader:
    return _loaded(name, bert_weights.require(name).checksum)
