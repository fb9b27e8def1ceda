"""Where every head of every layer looks in a sentence, drawn in the browser: choose one to see it large."""

from collections.abc import Sequence

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_HEADS = drawing_component("heads")


def show_heads_grid(attentions: np.ndarray, words: Sequence[str], *, version: str, key: str) -> None:
    """Draw attentions (L, H, T, T), rows summing to 1, over the T words; `version` changes with text and model.

    It opens on the head that looks at single words most sharply, the marks at both ends left aside.
    """
    tops = attentions.max(axis=-1)  # (L, H, T): a byte a share, the largest of each row exact
    shares = np.rint(255 * attentions / np.maximum(tops[..., None], 1e-12))
    data = {
        "version": version,
        "words": list(words),
        "shares": pack(shares, dtype="uint8"),
        "tops": pack(tops),
        "first": sharpest_head(attentions),
    }
    mount(_HEADS, data, key=key)


def sharpest_head(attentions: np.ndarray) -> int:
    """The head of attentions (L, H, T, T), counted through all layers, whose words give one other word most."""
    inner = attentions[:, :, 1:-1, 1:-1].copy()
    if not inner.size:
        return 0
    diagonal = np.arange(inner.shape[-1])
    inner[:, :, diagonal, diagonal] = 0.0
    return int(inner.max(axis=-1).mean(axis=-1).argmax())
