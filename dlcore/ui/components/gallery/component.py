"""Thumbnails in a grid; a click selects one."""

import base64
import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from dlcore.ui.components.mount import drawing_component

_GALLERY = drawing_component("gallery")


@dataclass(frozen=True)
class Thumbnail:
    """An image (H, W) or (H, W, 3) uint8 with its caption."""

    pixels: np.ndarray
    caption: str


def show_gallery(
    thumbnails: Sequence[Thumbnail], *, selected: int, on_select: Callable[[int], None], label: str, key: str
) -> None:
    """Render the thumbnails; `selected` is pressed (-1: none). A click calls `on_select` with the index.

    `label` describes the group for screen readers.
    """
    items = [{"image": _encode(thumbnail.pixels), "caption": thumbnail.caption} for thumbnail in thumbnails]
    version = hashlib.sha256(repr(items).encode()).hexdigest()[:16]

    def report() -> None:
        index = st.session_state[key]["picked"]
        if isinstance(index, int) and 0 <= index < len(thumbnails):
            on_select(index)

    data = {"items": items, "selected": selected, "label": label, "version": version}
    _GALLERY(data=data, key=key, on_picked_change=report)


def _encode(pixels: np.ndarray) -> str:
    """Return a PNG (small grayscale images) or JPEG as data URI."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    kind = "PNG" if max(image.size) <= 64 else "JPEG"
    image.save(file, kind, quality=85)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
