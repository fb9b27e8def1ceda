"""Learning curves: accuracy by number of training samples, with and without pretraining."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from dlcore.plots.palette import GRAY, ORDER
from dlcore.plots.style import blank

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")


@dataclass(frozen=True)
class LearningCurvePoint:
    """One training: number of samples (per class, or in all), test accuracy and its interval, 0 to 1."""

    each: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveLabels:
    """Words for the training samples."""

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
    """Plot accuracy by number of samples, one line per initialization; `chance` is the baseline named `guess`."""
    of = of or CurveLabels()
    figure = blank(
        f"Test accuracy by number of training {of.things}", x=f"{of.counted} (log)", y="accuracy, %", height=340
    )
    for (name, points), color, symbol in zip(lines.items(), ORDER, SYMBOLS, strict=False):
        rows = sorted(points, key=lambda point: point.each)
        figure.add_scatter(
            x=[point.each for point in rows],
            y=[100 * point.accuracy for point in rows],
            name=name,
            mode="lines+markers",
            line={"color": color},
            marker={"size": 9, "symbol": symbol},
            showlegend=True,
            error_y=_intervals(rows),
            hovertemplate=of.number + ": %{y:.1f} %<extra>" + name + "</extra>",
        )
    figure.add_hline(y=100 * chance, line={"dash": "dot", "width": 1.5, "color": GRAY}, annotation_text=guess)
    sizes = sorted({point.each for points in lines.values() for point in points})
    figure.update_xaxes(type="log", tickmode="array", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    figure.update_yaxes(range=[0, 100])
    return figure


@dataclass(frozen=True)
class BackboneResult:
    """A pretrained backbone: multiply-adds of a prediction, and test accuracy with its interval, 0 to 1."""

    name: str
    multiply_adds: int
    accuracy: float
    low: float
    high: float


def accuracy_by_compute(results: Sequence[BackboneResult]) -> go.Figure:
    """Plot test accuracy by multiply-adds, one named point per backbone."""
    figure = blank("Test accuracy by compute", x="million multiply-adds per photo", y="accuracy, %", height=340)
    for result, color, symbol in zip(results, ORDER, SYMBOLS, strict=False):
        figure.add_scatter(
            x=[result.multiply_adds / 1e6],
            y=[100 * result.accuracy],
            name=result.name,
            mode="markers",
            marker={"size": 12, "symbol": symbol, "color": color},
            showlegend=True,
            error_y=_intervals([result]),
            hovertemplate="%{x:.0f} million: %{y:.1f} %<extra>" + result.name + "</extra>",
        )
    return figure


def _intervals(points: Sequence[LearningCurvePoint | BackboneResult]) -> dict[str, Any]:
    """Return error bars of accuracies in percent."""
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1.5,
        "width": 4,
        "array": [100 * (point.high - point.accuracy) for point in points],
        "arrayminus": [100 * (point.accuracy - point.low) for point in points],
    }
