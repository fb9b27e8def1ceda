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

MOST_WORDS = 40
"""Most words shown as columns."""
MOST_ROWS, MOST_IN_GRID = 24, 32
"""With more heads, each gets a small map over fewer words."""


def show_heads(loaded: LoadedModel, seen: EncodedText, *, hidden: Sequence[int] = ()) -> None:
    """Attention weights per head: one row per head, or small maps for many heads."""
    st.subheader("Attention heads", anchor=False)
    attentions = texts.attentions(loaded, seen, hidden=hidden)  # (L, H, T, T)
    if attentions.shape[0] * attentions.shape[1] > MOST_ROWS:
        words = ["hidden" if place in hidden else word for place, word in enumerate(seen.words)]
        show_grid(attentions, words, version=f"{id(loaded.module)}-{' '.join(words)}", key="heads-grid")
    else:
        _rows(loaded, seen, attentions)
    st.caption("Attention is not an explanation: see Explain.")


def show_grid(values: np.ndarray, words: Sequence[str], *, version: str, key: str) -> None:
    """A small map per head of attention weights (L, H, T, T), and the selected one large."""
    few = min(len(words), MOST_IN_GRID)
    show_heads_grid(values[:, :, :few, :few], list(words)[:few], version=version, key=key)
    if few < len(words):
        st.caption(f"The first {few} of its {len(words)} tokens are shown.")


def _rows(loaded: LoadedModel, seen: EncodedText, values: np.ndarray) -> None:
    words = seen.words[:MOST_WORDS]
    choice: int = st.selectbox(
        "Query word",
        range(-1, len(words)),
        key=f"heads-{loaded.config.project}",
        format_func=lambda place: "all words (mean)" if place < 0 else f"{words[place]} ({place + 1})",
    )
    place = choice if choice < len(words) else -1
    shares = values.mean(axis=2) if place < 0 else values[:, :, place]
    who = "all words (mean)" if place < 0 else f"“{words[place]}”"
    shares = shares[..., : len(words)]
    top = int(shares.mean(axis=(0, 1)).argmax())
    figure = plots.heads_over_words(shares, words, query=who)
    show_figure(figure, key="heads", alt=f"Where {who} looks, by layer and head; over all most at {words[top]}")
    cut = f" The first {MOST_WORDS} words are shown." if len(seen.words) > MOST_WORDS else ""
    st.caption(f"Each row is one head's softmax and sums to 100 %.{cut}")
