"""Shared style of figures: split colors, blank figure, downsampling that keeps extremes.

Backgrounds are transparent and fonts unset, so that the theme of the page applies.
"""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, GREEN, ORDER, VERMILLION

SPLIT_COLORS = {"train": BLUE, "validation": GREEN, "test": VERMILLION}
SPLIT_DASHES = {"train": "solid", "validation": "dash", "test": "dot"}

DRAWN_POINTS = 2000
"""Maximum number of points of a curve: a screen has no more columns."""

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
    """Downsample a curve (n,) to at most `limit` points: the minimum and maximum of each bin, in order.

    Keeps all peaks, unlike every k-th point or a mean.
    """
    if len(y) <= limit:
        return x, y
    edges = np.linspace(0, len(y), limit // 2 + 1).astype(np.int64)
    bins = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
    order = np.lexsort((y, bins))  # by bin, then by value: first and last of each are its extremes
    keep = np.unique(np.r_[order[edges[:-1]], order[edges[1:] - 1]])
    return x[keep], y[keep]


def milliseconds(times: np.ndarray) -> np.ndarray:
    """Return epoch milliseconds as the typed array that plotly.js expects for a date axis."""
    return times.astype(np.float64)


def log_axis(values: np.ndarray) -> dict[str, Any]:
    """Return the layout of a log axis for these values, with ticks at 1, 2 and 5 if they span less than two decades."""
    positive = values[values > 0]
    axis: dict[str, Any] = {"type": "log", "exponentformat": "power"}
    if not len(positive):
        return axis
    if positive.max() > 100 * positive.min():
        return axis | {"dtick": 1}
    if positive.max() < 2.5 * positive.min():
        return axis  # at most one of these ticks would be visible: plotly's default is better
    tens = range(math.floor(math.log10(positive.min())) - 1, math.ceil(math.log10(positive.max())) + 1)
    ticks = [digit * 10.0**ten for ten in tens for digit in (1, 2, 5)]
    return axis | {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def vertical(figure: go.Figure, x: float, text: str, *, left: bool = False, height: float = 1.0) -> None:
    """Draw a dashed vertical line with a label at its right or left, at `height` from 0 (bottom) to 1 (top)."""
    figure.add_vline(x=x, line={"color": GRAY, "dash": "dash", "width": 1.5})
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
