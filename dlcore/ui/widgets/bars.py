"""Class probabilities as bars in HTML: they appear with the page, before any chart library has loaded."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore.evaluation.metrics import format_percent
from dlcore.plots.palette import BLUE, GRAY, ORANGE, VERMILLION

MAX_BARS = 12


def show_probabilities(probabilities: np.ndarray, labels: Sequence[str], *, truth: int | None = None) -> None:
    """Draw the `MAX_BARS` most probable classes of a prediction (K,), highest first; `truth` marks the actual class."""
    st.html(render_probabilities(probabilities, labels, truth=truth))


def render_probabilities(probabilities: np.ndarray, labels: Sequence[str], *, truth: int | None = None) -> str:
    """Return the bars as HTML with escaped labels."""
    order = np.argsort(-probabilities, kind="stable")[:MAX_BARS]
    top = int(order[0])
    rows = "".join(_bar(labels[k], float(probabilities[k]), _color(int(k), top, truth), int(k) == truth) for k in order)
    return f'<ul class="dl-bars" aria-label="Class probabilities">{rows}</ul>'


def _bar(label: str, probability: float, color: str, is_truth: bool) -> str:
    mark = ' <span aria-label="actual class">✓</span>' if is_truth else ""
    width = f"width: {100 * min(max(probability, 0), 1):.1f}%; background: {color}"
    return (
        f"<li><span>{html.escape(label)}{mark}</span>"
        f'<span class="dl-bar-track" aria-hidden="true"><span style="{width}"></span></span>'
        f"<span>{format_percent(probability)}</span></li>"
    )


def _color(k: int, top: int, truth: int | None) -> str:
    if k != top:
        return ORANGE if k == truth else GRAY
    return VERMILLION if truth is not None and truth != top else BLUE
