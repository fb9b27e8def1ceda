"""Pictures of writing symbol by symbol: where each symbol looks, what else it might have been, and how far it holds."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREY, VERMILLION
from dlcore.plots.style import blank, vertical

_FADE = [[0.0, "rgba(138, 143, 152, 0.06)"], [1.0, VERMILLION]]
LIKELIEST = 10
"""Next symbols that are drawn."""
ROW = 26
"""Pixels of a row."""
CROWDED = 30
"""More symbols than this are written smaller."""
FEWEST_ROWS = 5
"""A picture is at least so many rows high: its scale must be read."""


def over_source(
    shares: np.ndarray, source: Sequence[str], written: Sequence[str], *, title: str, unit: str, told: str, at: int = -1
) -> go.Figure:
    """A row for each symbol written, a column for each symbol read, shares (L, S); `told` says a cell in words, with
    {row}, {column} and {value}; the row `at` is framed."""
    figure = blank(title, x="read", y="written", height=130 + ROW * max(FEWEST_ROWS, len(written)))
    words = [
        [told.format(row=row, column=column, value=f"{value:.1f}") for column, value in zip(source, line, strict=True)]
        for row, line in zip(written, shares.tolist(), strict=True)
    ]
    figure.add_heatmap(
        z=shares.astype(np.float32),
        zmin=0,
        zmax=max(1.0, float(shares.max())),
        colorscale=_FADE,
        colorbar={"title": unit, "thickness": 12},
        customdata=np.array(words, dtype=object),
        hovertemplate="%{customdata}<extra></extra>",
        xgap=1,
        ygap=1,
    )
    figure.update_xaxes(tickvals=list(range(len(source))), ticktext=list(source), tickangle=0, showgrid=False)
    if len(source) > CROWDED:
        figure.update_xaxes(tickfont={"size": 9})
    figure.update_yaxes(
        tickvals=list(range(len(written))), ticktext=list(written), autorange="reversed", showgrid=False
    )
    if 0 <= at < len(written):
        figure.add_shape(
            type="rect", x0=-0.5, x1=len(source) - 0.5, y0=at - 0.5, y1=at + 0.5, line={"color": BLUE, "width": 2}
        )
    return figure


def next_symbols(names: Sequence[str], shares: np.ndarray, *, chosen: int, title: str) -> go.Figure:
    """The likeliest next symbols, shares (V,) in percent, in order; what was taken (`chosen`) in colour."""
    order = np.argsort(-shares, kind="stable")[:LIKELIEST]
    if chosen not in order:  # a draft that went another way
        order[-1] = chosen
    figure = blank(title, x="", y="probability, %", height=260)
    colours = [VERMILLION if place == chosen else GREY for place in order]
    figure.add_bar(
        x=[names[place] for place in order],
        y=shares[order].astype(np.float32),
        marker={"color": colours},
        hovertemplate="%{x}: %{y:.2f} %<extra></extra>",
    )
    figure.update_xaxes(type="category", tickangle=0)
    figure.update_yaxes(range=[0, 105])
    return figure


def by_length(
    lengths: np.ndarray, shares: np.ndarray, low: np.ndarray, high: np.ndarray, *, longest: int, name: str
) -> go.Figure:
    """Share of answers right (n,) in percent with its interval, by length; up to `longest` was learnt from."""
    figure = blank(
        f"Right answers by length, {name}", x="symbols of the item", y="right in every symbol, %", height=320
    )
    figure.add_scatter(
        x=lengths,
        y=shares,
        mode="lines+markers",
        line={"color": BLUE},
        showlegend=False,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": high - shares,
            "arrayminus": shares - low,
            "thickness": 1,
            "width": 2,
        },
        hovertemplate="%{x} symbols: %{y:.1f} %<extra></extra>",
    )
    figure.update_yaxes(range=[-3, 105])
    vertical(figure, longest + 0.5, "longer than any it learnt from", height=0.98)
    return figure
