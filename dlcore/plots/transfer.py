"""The picture of what pretraining is worth: accuracy against the number of training samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dlcore.plots.palette import GREY, ORDER
from dlcore.plots.style import blank

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")


@dataclass(frozen=True)
class LearningCurvePoint:
    """One training: samples (of each class, or in all), accuracy on test with its interval, all shares of 1."""

    each: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveLabels:
    """What is learnt from, and how a number of them is said."""

    things: str = "photos"
    counted: str = "photos of each class"
    number: str = "%{x} of each class"


def learning_curve(
    lines: Mapping[str, Sequence[LearningCurvePoint]],
    *,
    chance: float,
    guess: str = "guessing",
    of: CurveLabels | None = None,
) -> go.Figure:
    """Accuracy by samples, a line for each way to start; `chance` is what guessing gets, or what `guess` names."""
    of = of or CurveLabels()
    figure = blank(f"Right on test, by {of.things} to learn from", x=f"{of.counted} (log)", y="right, %", height=340)
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
