"""The picture of what pretraining is worth: accuracy against the number of training samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREY, VERMILLION
from dlcore.plots.style import blank


@dataclass(frozen=True)
class Measured:
    """One training: samples of each class, accuracy on test with its interval, all shares of 1."""

    each: int
    accuracy: float
    low: float
    high: float


def learning_curve(lines: Mapping[str, Sequence[Measured]], *, chance: float) -> go.Figure:
    """Accuracy by samples a class, a line for each way to start; `chance` is what guessing gets."""
    figure = blank("Right on test, by photos to learn from", x="photos of each class (log)", y="right, %", height=340)
    for (name, found), colour, symbol in zip(lines.items(), (BLUE, VERMILLION), ("circle", "diamond"), strict=False):
        rows = sorted(found, key=lambda one: one.each)
        values = [100 * one.accuracy for one in rows]
        figure.add_scatter(
            x=[one.each for one in rows], y=values, name=name, mode="lines+markers",
            line={"color": colour}, marker={"size": 9, "symbol": symbol}, showlegend=True,
            error_y={"type": "data", "symmetric": False, "thickness": 1.5, "width": 4,
                     "array": [100 * one.high - value for one, value in zip(rows, values, strict=True)],
                     "arrayminus": [value - 100 * one.low for one, value in zip(rows, values, strict=True)]},
            hovertemplate="%{x} of each class: %{y:.1f} %<extra>" + name + "</extra>",
        )  # fmt: skip
    figure.add_hline(y=100 * chance, line={"dash": "dot", "width": 1.5, "color": GREY}, annotation_text="guessing")
    sizes = sorted({one.each for found in lines.values() for one in found})
    figure.update_xaxes(type="log", tickmode="array", tickvals=sizes, ticktext=[str(size) for size in sizes])
    figure.update_yaxes(range=[0, 100])
    return figure
