"""ROC curves of several models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GRAY, ORDER
from dlcore.plots.style import blank

DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class RocCurve:
    """ROC curve of one model: false and true positive rate (P,), ROC AUC, and the point of its threshold.

    `color` is its position in the palette.
    """

    name: str
    false: np.ndarray
    true: np.ndarray
    area: float
    at: tuple[float, float]
    color: int = 0


def roc_curves(curves: Sequence[RocCurve], *, positive: str, negative: str) -> go.Figure:
    """Plot one curve per model with a marker at its threshold; the diagonal is a random classifier."""
    figure = blank(
        "ROC",
        x=f"“{negative}” predicted as “{positive}” (false positive rate), %",
        y=f"“{positive}” recall, %",
        height=430,
    )
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="guessing",
        line={"color": GRAY, "width": 1},
        hoverinfo="skip",
    )
    for curve in curves:
        color = ORDER[curve.color % len(ORDER)]
        figure.add_scatter(
            x=100 * curve.false,
            y=100 * curve.true,
            mode="lines",
            name=f"{curve.name}, {curve.area:.3f}",
            legendgroup=curve.name,
            line={"color": color, "dash": DASHES[curve.color % len(DASHES)], "width": 2},
            hovertemplate=f"{curve.name}: %{{y:.1f}} % true positives, %{{x:.1f}} % false positives<extra></extra>",
        )
        figure.add_scatter(
            x=[100 * curve.at[0]],
            y=[100 * curve.at[1]],
            mode="markers",
            legendgroup=curve.name,
            showlegend=False,
            marker={"color": color, "size": 10, "line": {"color": "white", "width": 1}},
            hovertemplate=f"{curve.name}, threshold: "
            "%{y:.1f} % true positives, %{x:.1f} % false positives<extra></extra>",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 102])
    return figure


def curves_by_class(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str, x: str, y: str, height: int = 420
) -> go.Figure:
    """Plot one curve per class, x and y (P,) from 0 to 1, in percent."""
    figure = blank(title, x=x, y=y, height=height)
    for k, (name, (across, up)) in enumerate(curves.items()):
        figure.add_scatter(
            x=100 * across,
            y=100 * up,
            mode="lines",
            name=name,
            line={"color": ORDER[k % len(ORDER)], "dash": DASHES[k // len(ORDER) % len(DASHES)], "width": 2},
            hovertemplate=f"{name}: %{{y:.1f}} %<extra></extra>",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 102])
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": -0.24, "xanchor": "left", "yanchor": "top"})
    return figure
