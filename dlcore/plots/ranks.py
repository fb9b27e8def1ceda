"""Figures that compare methods over several data sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, VERMILLION
from dlcore.plots.style import blank

ROW = 30
"""Height of a method in pixels."""


@dataclass(frozen=True)
class MethodScores:
    """Scores of a method by data set, their mean and its 95 % interval."""

    title: str
    scores: Mapping[str, float]
    mean: float
    low: float
    high: float


def scores_by_method(methods: Sequence[MethodScores], *, metric: str) -> go.Figure:
    """Plot one row per method: a small marker per data set, a large one at the mean with its 95 % interval."""
    figure = blank(f"{metric} by series, and mean", x=metric, y="", height=150 + ROW * len(methods))
    for method in methods:
        figure.add_scatter(
            x=list(method.scores.values()),
            y=[method.title] * len(method.scores),
            text=list(method.scores),
            mode="markers",
            name="one series",
            legendgroup="series",
            showlegend=method is methods[0],
            marker={"color": GRAY, "size": 6, "opacity": 0.45, "symbol": "circle", "line": {"width": 0}},
            hovertemplate="%{text}: %{x:.3g}<extra>" + method.title + "</extra>",
        )
    figure.add_scatter(
        x=[method.mean for method in methods],
        y=[method.title for method in methods],
        mode="markers",
        name="mean, 95 % interval",
        marker={"color": BLUE, "size": 11, "symbol": "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [method.high - method.mean for method in methods],
            "arrayminus": [method.mean - method.low for method in methods],
            "thickness": 2.5,
            "width": 4,
            "color": BLUE,
        },
        hovertemplate="mean %{x:.3g}<extra>%{y}</extra>",
    )
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def critical_difference(
    ranks: Mapping[str, float], groups: Sequence[Sequence[str]], *, difference: float, unit: str = "data sets"
) -> go.Figure:
    """Plot average ranks (1: best) with bars over methods that do not differ significantly (Demsar 2006)."""
    order = sorted(ranks, key=ranks.__getitem__)
    figure = blank(
        "Critical-difference diagram",
        x=f"average rank over {unit}; left is better",
        y="",
        height=170 + ROW * len(order),
    )
    figure.add_scatter(
        x=[ranks[name] for name in order],
        y=order,
        mode="markers+text",
        text=[f"{ranks[name]:.2f}" for name in order],
        textposition="middle right",
        name="average rank",
        marker={"color": BLUE, "size": 10},
        hovertemplate="rank %{x:.2f}<extra>%{y}</extra>",
    )
    for place, group in enumerate(groups):
        figure.add_scatter(
            x=[ranks[group[0]]] * len(group),
            y=list(group),
            mode="lines",
            line={"color": VERMILLION, "width": 5},
            name="no significant difference",
            legendgroup="groups",
            showlegend=place == 0,
            hovertemplate=f"{len(group)} methods within {difference:.2f} ranks<extra></extra>",
        )
    figure.update_yaxes(type="category", autorange="reversed", categoryorder="array", categoryarray=order)
    return figure
