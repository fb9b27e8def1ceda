"""Show a Plotly figure on a page with the shared style, a key and alternative text."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore.plots.palette import DARK, ORDER

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": False,
    "doubleClick": "reset",
    "showAxisDragHandles": False,
}
"""Plotly options: no logo, no hover toolbar; double click resets the view."""

_TAG = re.compile(r"<(?!br>|/?extra>)")


def show_figure(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure in the shared style.

    Args:
        figure: has its title, axis titles and units; colors may be left to the style.
        key: unique on the page; preserves the chart's identity between reruns.
        alt: one sentence that describes the chart, for screen readers.
    """
    if st.context.theme.type == "dark":
        darken(figure)
    st.plotly_chart(escape_texts(house_style(figure)), key=key, alt=alt, theme="streamlit", config=CONFIG)


def darken(figure: go.Figure) -> go.Figure:
    """Replace the color scales of the light theme, whose weak values are white, by those of the dark one in place."""
    for heatmap in figure.select_traces({"type": "heatmap"}):
        dark = DARK.get(tuple(map(tuple, heatmap.colorscale or ())))
        if dark is not None:
            heatmap.colorscale = dark
    return figure


def escape_texts(figure: go.Figure) -> go.Figure:
    """Escape HTML in every text of a figure in place: Plotly shows links and images that stand in labels of data.

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
