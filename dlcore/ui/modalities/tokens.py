"""Tokenizers compared on one sentence, and the coverage of GloVe."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.sources import locate as sources
from dlcore.data.text import word_vectors
from dlcore.data.text.corpora import UNKNOWN, Vocabulary, clean_text
from dlcore.data.text.vocabulary import Kind, bert_vocabulary
from dlcore.evaluation.metrics import format_percent
from dlcore.ui.shell.cache import cache_data, cache_resource
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import samples

TRAINING_TEXTS = 2000
"""Training texts to fit the tokenizers shown; a run uses all texts."""
VOCABULARY_SIZE = 8000
KINDS: dict[Kind, tuple[str, str]] = {
    "words": ("Whole words", "Frequent words of the training texts; all others are unknown."),
    "wordpiece": ("WordPiece (BERT)", "Rare words are split into pieces; ## continues a word (WordPiece)."),
    "byte_pair": ("Byte-pair encoding", "Merges the most frequent pair of symbols (byte-pair encoding)."),
}
SENTENCE = "The filmmakers' unforgettable blockbuster grossed $2.5 million, didn't it? 😀"


@fragment
def show_tokens(dataset: str) -> None:
    """Show the tokens of a typed sentence by each tokenizer."""
    st.subheader("Tokenizers", anchor=False)
    sentence = clean_text(
        st.text_input("A sentence", SENTENCE, key=f"cut-{dataset}", max_chars=300, bind="query-params")
    )
    for kind, (title, description) in KINDS.items():
        if kind == "wordpiece" and not sources.is_available("bert_vocabulary"):
            st.caption(f"**{title}**: BERT's vocabulary is not on this machine.")
            continue
        vocabulary = _vocabulary(dataset, kind, samples.dataset_version(dataset))
        tokens = vocabulary.tokens(sentence)
        is_unknown = vocabulary.encode([sentence], length=max(1, len(tokens)))[0] == UNKNOWN
        st.html(_tokens_html(title, description, tokens, is_unknown))
    st.caption(
        f"Words and byte-pair encoding have up to {VOCABULARY_SIZE:,} entries, fitted on "
        f"{TRAINING_TEXTS:,} training texts; a run uses all training texts. Dashed and struck out: unknown."
    )
    _show_coverage(dataset)


def _tokens_html(title: str, description: str, tokens: Sequence[str], is_unknown: np.ndarray) -> str:
    token_style = "display:inline-block;border:1px solid;border-radius:6px;padding:1px 7px;margin:2px 3px 2px 0;"
    unknown_style = "border-style:dashed;text-decoration:line-through;"
    parts = [
        f'<span style="{token_style}{unknown_style if is_missing else ""}">{html.escape(token)}</span>'
        for token, is_missing in zip(tokens, is_unknown, strict=True)
    ]
    return f"<p><b>{title}</b>: {len(tokens)} tokens. {html.escape(description)}</p><p>{''.join(parts)}</p>"


def _show_coverage(dataset: str) -> None:
    if not sources.is_available("glove"):
        st.caption("GloVe is not on this machine: its coverage is unknown.")
        return
    try:
        of_words, of_text, missing = _vector_coverage(dataset, samples.dataset_version(dataset))
    except WorkbenchError as error:
        st.caption(error_line(error))
        return
    st.markdown(
        f"**GloVe** covers {format_percent(of_words)} of the distinct whole words and "
        f"{format_percent(of_text)} of all words in the texts. "
        f"Most frequent missing words: {', '.join(f'“{as_text(word)}”' for word in missing)}."
    )


@cache_resource(max_entries=9, show_spinner="Fitting tokenizers")
def _vocabulary(dataset: str, kind: Kind, version: str) -> Vocabulary:
    return (
        bert_vocabulary() if kind == "wordpiece" else Vocabulary.fit(_texts(dataset), size=VOCABULARY_SIZE, kind=kind)
    )


@cache_data(max_entries=6, show_spinner="Looking up words")
def _vector_coverage(dataset: str, version: str) -> tuple[float, float, list[str]]:
    """Return shares of the vocabulary and of all words with a vector, and the most frequent words without."""
    vocabulary = _vocabulary(dataset, "words", version)
    ids = vocabulary.encode(_texts(dataset), length=1000)
    counts = np.bincount(ids.ravel(), minlength=len(vocabulary))[2:]
    has_vector = word_vectors.load_vectors(vocabulary.words).known[2:]
    missing = [vocabulary.words[2 + index] for index in np.argsort(-counts * ~has_vector)[:8] if not has_vector[index]]
    return float(has_vector.mean()), float(counts[has_vector].sum() / counts.sum()), missing


def _texts(dataset: str) -> list[str]:
    """Return evenly spaced training texts."""
    texts = samples.load_texts(dataset)
    rows = np.arange(len(texts.texts)) if texts.test is None else np.flatnonzero(~texts.test)
    return [texts.texts[row] for row in rows[:: max(1, len(rows) // TRAINING_TEXTS)][:TRAINING_TEXTS]]
