"""Shared style of figures: split colors, blank figure, downsampling that keeps extremes.

Backgrounds are transparent and fonts unset, so that the theme of the page applies.
"""

import math
import re
from collections.abc import Mapping
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
_TAG = re.compile(r"<(?!br>|/?extra>)")


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


def escape_texts(figure: go.Figure) -> go.Figure:
    """Escape HTML in every text of a figure in place: Plotly renders links and images in labels of data.

    Only the tags that our figures use stay: line breaks, and the `<extra>` of hover texts.
    """
    for part in (*figure.data, figure.layout):
        part.update(_escape_items(part.to_plotly_json()), overwrite=True)
    return figure


def _escape_items(items: Mapping[str, Any]) -> dict[str, Any]:
    return {name: escaped for name, item in items.items() if (escaped := _escape(item)) is not None}


def _escape(value: Any) -> Any:
    """Return an escaped copy of a value of a figure, or None if there is nothing to escape."""
    if isinstance(value, str):
        return _TAG.sub("&lt;", value) if "<" in value else None
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.dtype.kind in "OUST" else ()
    if isinstance(value, dict):
        changed = _escape_items(value)
        return {**value, **changed} if changed else None
    if not isinstance(value, list | tuple):
        return None
    parts = [_escape(item) for item in value]
    return [old if new is None else new for old, new in zip(value, parts, strict=True)] if any(parts) else None


def house_style(figure: go.Figure) -> go.Figure:
    """Apply margins, title, legend and colors in place; values that are set stay."""
    layout = figure.layout
    titled = bool(layout.title.text)
    figure.update_layout(
        colorway=layout.colorway or list(ORDER),
        height=layout.height or 360,
        margin={"l": 8, "r": 8, "t": (64 if _has_legend(figure) else 44) if titled else 16, "b": 8},
        title={"x": 0, "xanchor": "left", "y": 0.98, "yanchor": "top", "font": {"size": 15, "weight": 600}},
        hoverlabel={"namelength": -1},
        dragmode=layout.dragmode or "zoom",
    )
    if layout.legend.orientation is None and layout.legend.x is None:
        figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"})
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    return figure


def _has_legend(figure: go.Figure) -> bool:
    """Return whether plotly.js will draw a legend: from the second trace on, if one of them is named."""
    traces = [trace for trace in figure.data if trace.type in ("scatter", "bar")]
    return len(traces) > 1 and any(trace.showlegend is not False for trace in traces)
