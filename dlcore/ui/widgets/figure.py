"""Show a Plotly figure on a page with the shared style, a key and alternative text."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dlcore.plots.palette import DARK
from dlcore.plots.style import escape_texts, house_style

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": False,
    "doubleClick": "reset",
    "showAxisDragHandles": False,
}
"""Plotly options: no logo, no hover toolbar; double click resets the view."""


def show_figure(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure in the shared style.

    Args:
        figure: has its title, axis titles and units; colors may be left to the style.
        key: unique on the page; preserves the chart's identity between reruns.
        alt: one sentence that describes the chart, for screen readers.
    """
    if st.context.theme.type == "dark":
        darken(figure)
    figure = escape_texts(house_style(figure))
    if st.session_state.get("present"):  # presentation mode
        figure.update_layout(font={"size": 18}, title={"font": {"size": 22}})
    st.plotly_chart(figure, key=key, alt=alt, theme="streamlit", config=CONFIG)


def darken(figure: go.Figure) -> go.Figure:
    """Replace the color scales of the light theme, whose weak values are white, by those of the dark one in place."""
    for heatmap in figure.select_traces({"type": "heatmap"}):
        dark = DARK.get(tuple(map(tuple, heatmap.colorscale or ())))
        if dark is not None:
            heatmap.colorscale = dark
    return figure


def select_on_figure(figure: go.Figure, *, key: str, alt: str) -> float | None:
    """Draw a figure over time and return the time of the clicked point in epoch milliseconds; a drag zooms.

    Another key clears the selection.
    """
    if st.context.theme.type == "dark":
        darken(figure)
    figure.update_layout(hovermode="x", dragmode="zoom")  # Streamlit ignores clicks where a drag selects
    figure.update_yaxes(fixedrange=True)
    event = st.plotly_chart(
        escape_texts(house_style(figure)),
        key=key,
        alt=alt,
        theme="streamlit",
        config=CONFIG,
        on_select="rerun",
        selection_mode="points",
    )
    points = event["selection"]["points"]
    if not points:
        return None
    x = points[0]["x"]
    return pd.Timestamp(x, unit="ms" if isinstance(x, int | float) else None).timestamp() * 1000
