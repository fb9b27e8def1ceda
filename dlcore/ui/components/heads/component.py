"""Attention of every head of every layer over a sentence, drawn in the browser."""

from collections.abc import Sequence

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_HEADS = drawing_component("heads")


def show_heads_grid(attentions: np.ndarray, tokens: Sequence[str], *, version: str, key: str) -> None:
    """Render attentions (L, H, T, T) over T tokens, rows sum to 1; `version` identifies text and model.

    The initial head is the sharpest one, special tokens at both ends ignored.
    """
    row_max = attentions.max(axis=-1)  # (L, H, T): one byte per weight, exact row maxima
    weights = np.rint(255 * attentions / np.maximum(row_max[..., None], 1e-12))
    data = {
        "version": version,
        "tokens": list(tokens),
        "weights": pack(weights, dtype="uint8"),
        "row_max": pack(row_max),
        "first": sharpest_head(attentions),
    }
    mount(_HEADS, data, key=key)


def sharpest_head(attentions: np.ndarray) -> int:
    """Return the head, counted over all layers, with the highest mean maximum attention to another token."""
    inner = attentions[:, :, 1:-1, 1:-1].copy()
    if not inner.size:
        return 0
    diagonal = np.arange(inner.shape[-1])
    inner[:, :, diagonal, diagonal] = 0.0
    return int(inner.max(axis=-1).mean(axis=-1).argmax())
