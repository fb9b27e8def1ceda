"""Figures of decoding: attention over the source, next-symbol probabilities, accuracy by length."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, VERMILLION
from dlcore.plots.style import blank, vertical

_FADE = [[0.0, "rgba(138, 143, 152, 0.06)"], [1.0, VERMILLION]]
LIKELIEST = 10
"""Number of next symbols in the figure."""
ROW = 26
"""Height of a row in pixels."""
CROWDED = 30
"""With more symbols than this, labels are smaller."""
FEWEST_ROWS = 5
"""Minimum height of the figure in rows: its color scale must be readable."""


def over_source(
    shares: np.ndarray, source: Sequence[str], output: Sequence[str], *, title: str, unit: str, hover: str, at: int = -1
) -> go.Figure:
    """Plot shares (L, S), one row per output symbol and one column per source symbol; the row `at` is framed.

    `hover` is the hover text of a cell, with {row}, {column} and {value}.
    """
    figure = blank(title, x="source", y="output", height=130 + ROW * max(FEWEST_ROWS, len(output)))
    words = [
        [hover.format(row=row, column=column, value=f"{value:.1f}") for column, value in zip(source, line, strict=True)]
        for row, line in zip(output, shares.tolist(), strict=True)
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
    figure.update_yaxes(tickvals=list(range(len(output))), ticktext=list(output), autorange="reversed", showgrid=False)
    if 0 <= at < len(output):
        figure.add_shape(
            type="rect", x0=-0.5, x1=len(source) - 0.5, y0=at - 0.5, y1=at + 0.5, line={"color": BLUE, "width": 2}
        )
    return figure


def next_symbols(names: Sequence[str], shares: np.ndarray, *, decoded: int, title: str) -> go.Figure:
    """Plot the most probable next symbols, (V,) in percent, in order; the decoded one (`decoded`) is colored."""
    order = np.argsort(-shares, kind="stable")[:LIKELIEST]
    if decoded not in order:  # beam search chose another symbol
        order[-1] = decoded
    figure = blank(title, x="", y="probability, %", height=260)
    colors = [VERMILLION if place == decoded else GRAY for place in order]
    figure.add_bar(
        x=[names[place] for place in order],
        y=shares[order].astype(np.float32),
        marker={"color": colors},
        hovertemplate="%{x}: %{y:.2f} %<extra></extra>",
    )
    figure.update_xaxes(type="category", tickangle=0)
    figure.update_yaxes(range=[0, 105])
    return figure


def by_length(
    lengths: np.ndarray, shares: np.ndarray, low: np.ndarray, high: np.ndarray, *, longest: int, name: str
) -> go.Figure:
    """Plot exact match (n,) in percent with its interval by length; training items have at most `longest` symbols."""
    figure = blank(f"Exact match by length, {name}", x="length, symbols", y="exact match, %", height=320)
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
    vertical(figure, longest + 0.5, "longer than in training", height=0.98)
    return figure
