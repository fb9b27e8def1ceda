"""Plot accuracy against the number of training samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dlcore.plots.palette import GREY, ORDER
from dlcore.plots.style import blank

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")


@dataclass(frozen=True)
class LearningCurvePoint:
    """One training run: samples (per class, or in total), test accuracy with its interval, all in 0 to 1."""

    each: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveLabels:
    """Words of the axes: what the samples are and how they are counted."""

    things: str = "photos"
    counted: str = "photos per class"
    number: str = "%{x} per class"


def learning_curve(
    lines: Mapping[str, Sequence[LearningCurvePoint]],
    *,
    chance: float,
    guess: str = "guessing",
    of: CurveLabels | None = None,
) -> go.Figure:
    """Plot accuracy by number of samples, a line per kind of pretraining; `chance` is the guessing baseline, or
    `guess`.
    """
    of = of or CurveLabels()
    figure = blank(
        f"Test accuracy by number of training {of.things}", x=f"{of.counted} (log)", y="right, %", height=340
    )
    for (name, found), colour, symbol in zip(lines.items(), ORDER, SYMBOLS, strict=False):
        rows = sorted(found, key=lambda one: one.each)
        values = [100 * one.accuracy for one in rows]
        figure.add_scatter(
            x=[one.each for one in rows],
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour},
            marker={"size": 9, "symbol": symbol},
            showlegend=True,
            error_y={
                "type": "data",
                "symmetric": False,
                "thickness": 1.5,
                "width": 4,
                "array": [100 * one.high - value for one, value in zip(rows, values, strict=True)],
                "arrayminus": [value - 100 * one.low for one, value in zip(rows, values, strict=True)],
            },
            hovertemplate=of.number + ": %{y:.1f} %<extra>" + name + "</extra>",
        )
    figure.add_hline(y=100 * chance, line={"dash": "dot", "width": 1.5, "color": GREY}, annotation_text=guess)
    sizes = sorted({one.each for found in lines.values() for one in found})
    figure.update_xaxes(type="log", tickmode="array", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    figure.update_yaxes(range=[0, 100])
    return figure
