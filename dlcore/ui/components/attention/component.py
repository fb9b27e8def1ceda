"""Attention maps of a vision transformer, drawn in the browser for the patch under the pointer."""

from dataclasses import dataclass

import numpy as np

from dlcore.ui.components.mount import drawing_component, mount, pack

_ATTENTION = drawing_component("attention")


@dataclass(frozen=True)
class AttentionView:
    """Attention of one image.

    image (H, W) or (H, W, 3) uint8; grid: rows and columns of patches of `patch` pixels; attentions (B, heads, T, T)
    with T = 1 + patches, class token first, rows sum to 1; rollout (T, T) through all blocks.
    """

    image: np.ndarray
    grid: tuple[int, int]
    patch: int
    attentions: np.ndarray
    rollout: np.ndarray


def show_attention(view: AttentionView, *, version: str, key: str) -> None:
    """Render the component; `version` identifies image and model."""
    row_max = view.attentions.max(axis=-1)  # (B, heads, T): one byte per weight, exact row maxima
    weights = np.rint(255 * view.attentions / np.maximum(row_max[..., None], 1e-12))
    data = {
        "version": version,
        "image": pack(view.image, dtype="uint8"),
        "size": list(view.image.shape[:2]),
        "grid": list(view.grid),
        "patch": view.patch,
        "weights": pack(weights, dtype="uint8"),
        "row_max": pack(row_max),
        "rollout": pack(view.rollout),
    }
    mount(_ATTENTION, data, key=key)
