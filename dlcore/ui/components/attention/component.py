"""Where each head of a Transformer looks, drawn in the browser: point at a patch and every map answers."""

from dataclasses import dataclass

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_ATTENTION = drawing_component("attention")


@dataclass(frozen=True)
class AttentionView:
    """What one picture's attention is.

    picture (H, W) or (H, W, 3) uint8; grid: rows and columns of its patches, of `patch` pixels each; attentions
    (B, heads, T, T) with T = 1 + patches, the class token first, rows summing to 1; rolled (T, T) through all blocks.
    """

    picture: np.ndarray
    grid: tuple[int, int]
    patch: int
    attentions: np.ndarray
    rolled: np.ndarray


def show_attention(looks: AttentionView, *, version: str, key: str) -> None:
    """Draw it; `version` changes with the picture and the model."""
    tops = looks.attentions.max(axis=-1)  # (B, heads, T): a byte a share, the largest of each row exact
    shares = np.rint(255 * looks.attentions / np.maximum(tops[..., None], 1e-12))
    data = {
        "version": version,
        "picture": pack(looks.picture, dtype="uint8"),
        "size": list(looks.picture.shape[:2]),
        "grid": list(looks.grid),
        "patch": looks.patch,
        "shares": pack(shares, dtype="uint8"),
        "tops": pack(tops),
        "rolled": pack(looks.rolled),
    }
    mount(_ATTENTION, data, key=key)
