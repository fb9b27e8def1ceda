"""Where the heads of an encoder look in a text."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
import torch

from dlcore.data.text import UNKNOWN
from dlcore.inference.predict import evaluating
from dlcore.plots import attention as plots
from dlcore.projects.project import Loaded
from dlcore.projects.texts import Seen
from dlcore.ui.figure import show_figure

MOST_WORDS = 40
"""More columns cannot be read."""


def show_heads(loaded: Loaded, seen: Seen, *, hidden: Sequence[int] = ()) -> None:
    """A row for each head, a column for each word: how much of it the head takes, for one word or for all of them."""
    st.subheader("Where the heads look", anchor=False)
    words = seen.words[:MOST_WORDS]
    asked: int = st.selectbox(
        "Who looks", range(-1, len(words)), key=f"heads-{loaded.config.project}",
        format_func=lambda place: "all words, on average" if place < 0 else f"{words[place]} ({place + 1})",
    )  # fmt: skip
    taken = _taken(loaded, seen, hidden)  # (B, heads, T, T)
    place = asked if asked < len(words) else -1
    shares = taken.mean(axis=2) if place < 0 else taken[:, :, place]
    who = "a word, on average," if place < 0 else f"“{words[place]}”"
    shares = shares[..., : len(words)]
    top = int(shares.mean(axis=(0, 1)).argmax())
    figure = plots.heads_over_words(shares, words, asked=who)
    show_figure(figure, key="heads", alt=f"Where {who} looks, by layer and head; over all most at {words[top]}")
    cut = f" The first {MOST_WORDS} words are shown." if len(seen.words) > MOST_WORDS else ""
    st.caption(
        "Each row is one head's softmax and sums to 100 % over the whole text. Where a head looks is not yet why the "
        f"model decides: Explain asks that.{cut}"
    )


def _taken(loaded: Loaded, seen: Seen, hidden: Sequence[int]) -> np.ndarray:
    """(B, heads, T, T): rows sum to 1."""
    ids = torch.from_numpy(seen.ids.copy())
    ids[:, [place for place in hidden if place < ids.shape[1]]] = UNKNOWN
    with evaluating(loaded.module) as module:
        layers: list[torch.Tensor] = module.weights(ids)  # type: ignore[operator]
    return torch.cat(layers).numpy()
