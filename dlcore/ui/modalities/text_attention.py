"""Attention of an encoder's heads over a text."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore.plots import attention as plots
from dlcore.projects.language import texts
from dlcore.projects.language.texts import EncodedText
from dlcore.projects.project import LoadedModel
from dlcore.ui.components.heads.component import show_heads_grid
from dlcore.ui.widgets.figure import show_figure

MAX_WORDS = 40
"""Largest number of words shown as columns."""
MAX_ROWS, MAX_GRID_WORDS = 24, 32
"""With more heads, each gets a small map over fewer words."""


def show_heads(loaded: LoadedModel, encoded: EncodedText, *, hidden: Sequence[int] = ()) -> None:
    """Draw attention weights: one row per head, or small maps for many heads."""
    st.subheader("Attention heads", anchor=False)
    attentions = texts.attentions(loaded, encoded, hidden=hidden)  # (L, H, T, T)
    if attentions.shape[0] * attentions.shape[1] > MAX_ROWS:
        words = ["hidden" if index in hidden else word for index, word in enumerate(encoded.words)]
        show_grid(attentions, words, version=f"{id(loaded.module)}-{' '.join(words)}", key="heads-grid")
    else:
        _rows(loaded, encoded, attentions)
    st.caption("Attention is not an explanation: see Explain.")


def show_grid(values: np.ndarray, words: Sequence[str], *, version: str, key: str) -> None:
    """Draw a small map per head of attention weights (L, H, T, T), and the selected head enlarged."""
    few = min(len(words), MAX_GRID_WORDS)
    show_heads_grid(values[:, :, :few, :few], list(words)[:few], version=version, key=key)
    if few < len(words):
        st.caption(f"The first {few} of its {len(words)} tokens are shown.")


def _rows(loaded: LoadedModel, encoded: EncodedText, values: np.ndarray) -> None:
    words = encoded.words[:MAX_WORDS]
    choice: int = st.selectbox(
        "Query word",
        range(-1, len(words)),
        key=f"heads-{loaded.config.project}",
        bind="query-params",
        format_func=lambda index: "all words (mean)" if index < 0 else f"{words[index]} ({index + 1})",
    )
    index = choice if choice < len(words) else -1
    shares = values.mean(axis=2) if index < 0 else values[:, :, index]
    query_title = "all words (mean)" if index < 0 else f"“{words[index]}”"
    shares = shares[..., : len(words)]
    top = int(shares.mean(axis=(0, 1)).argmax())
    figure = plots.heads_over_words(shares, words, query=query_title)
    show_figure(figure, key="heads", alt=f"Attention of {query_title} by layer and head; largest mean on {words[top]}")
    limit_note = f" The first {MAX_WORDS} words are shown." if len(encoded.words) > MAX_WORDS else ""
    st.caption(f"Each row is one head's softmax and sums to 100 %.{limit_note}")
