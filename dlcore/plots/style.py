"""Shared figure style: colors for light and dark, a blank figure, thinning that preserves extremes.

Backgrounds are transparent and fonts are unset, so that the page's theme applies.
"""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREEN, GREY, ORDER, VERMILLION

SPLIT_COLOURS = {"train": BLUE, "validation": GREEN, "test": VERMILLION}
SPLIT_DASHES = {"train": "solid", "validation": "dash", "test": "dot"}

DRAWN_POINTS = 2000
"""Maximum number of points per curve; a screen has no more columns."""

GRID = "rgba(138, 143, 152, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"


def blank(title: str, *, x: str, y: str, height: int = 360) -> go.Figure:
    """Return an empty figure with a title and axis titles (with units)."""
    figure = go.Figure()
    figure.update_layout(
        title=title,
        height=height,
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        colorway=list(ORDER),
        xaxis={"title": x, "gridcolor": GRID, "zeroline": False, "automargin": True},
        yaxis={"title": y, "gridcolor": GRID, "zeroline": False, "automargin": True},
    )
    return figure


def thin(x: np.ndarray, y: np.ndarray, *, limit: int = DRAWN_POINTS) -> tuple[np.ndarray, np.ndarray]:
    """Thin a curve (n,) to at most `limit` points, keeping the minimum and maximum of each stretch, in order.

    No peak is lost, unlike with every k-th point or a mean.
    """
    if len(y) <= limit:
        return x, y
    edges = np.linspace(0, len(y), limit // 2 + 1).astype(np.int64)
    stretch = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    order = np.lexsort((y, stretch))  # by stretch, then by value: first and last of each are its extremes
    keep = np.unique(np.r_[order[edges[:-1]], order[edges[1:] - 1]])
    return x[keep], y[keep]


def milliseconds(times: np.ndarray) -> np.ndarray:
    """Return epoch milliseconds as the typed array that plotly.js takes for a date axis."""
    return times.astype(np.float64)


def log_axis(values: np.ndarray) -> dict[str, Any]:
    """Return a logarithmic axis: ticks at powers of ten if they span two or more, else at 1, 2 and 5."""
    positive = values[values > 0]
    axis: dict[str, Any] = {"type": "log", "exponentformat": "power"}
    if not len(positive):
        return axis
    if positive.max() > 100 * positive.min():
        return axis | {"dtick": 1}
    if positive.max() < 2.5 * positive.min():
        return axis  # at most one tick would be visible: use plotly's own
    tens = range(math.floor(math.log10(positive.min())) - 1, math.ceil(math.log10(positive.max())) + 1)
    ticks = [digit * 10.0**ten for ten in tens for digit in (1, 2, 5)]
    return axis | {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def vertical(figure: go.Figure, x: float, text: str, *, left: bool = False, height: float = 1.0) -> None:
    """Draw a dashed vertical line with a label to its right or left, at `height` from 0 (bottom) to 1 (top)."""
    figure.add_vline(x=x, line={"color": GREY, "dash": "dash", "width": 1.5})
    figure.add_annotation(
        x=x,
        y=height,
        yref="paper",
        text=text,
        showarrow=False,
        yanchor="top",
        xanchor="right" if left else "left",
        xshift=-4 if left else 4,
    )
