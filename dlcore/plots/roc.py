"""ROC curves of several models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GREY, ORDER
from dlcore.plots.style import blank

DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class RocCurve:
    """One model's curve, shares (P,) of negatives and positives predicted positive, its area, and the point of its
    threshold.
    """

    name: str
    false: np.ndarray
    true: np.ndarray
    area: float
    at: tuple[float, float]


def roc_curves(curves: Sequence[RocCurve], *, positive: str, negative: str) -> go.Figure:
    """Plot one line per model, with its own dash, and a marker at its threshold; the diagonal is chance."""
    figure = blank("ROC", x=f"“{negative}” predicted “{positive}”, %", y=f"recall of “{positive}”, %", height=430)
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="guessing",
        line={"color": GREY, "width": 1},
        hoverinfo="skip",
    )
    for place, one in enumerate(curves):
        colour = ORDER[place % len(ORDER)]
        figure.add_scatter(
            x=100 * one.false,
            y=100 * one.true,
            mode="lines",
            name=f"{one.name}, {one.area:.3f}",
            legendgroup=one.name,
            line={"color": colour, "dash": DASHES[place % len(DASHES)], "width": 2},
            hovertemplate=f"{one.name}: recall %{{y:.1f}} %, false positive rate %{{x:.1f}} %<extra></extra>",
        )
        figure.add_scatter(
            x=[100 * one.at[0]],
            y=[100 * one.at[1]],
            mode="markers",
            legendgroup=one.name,
            showlegend=False,
            marker={"color": colour, "size": 10, "line": {"color": "white", "width": 1}},
            hovertemplate=f"{one.name} at its threshold: recall %{{y:.1f}} %, false pos. %{{x:.1f}} %<extra></extra>",
        )
    figure.update_xaxes(range=[0, 100])
    figure.update_yaxes(range=[0, 102])
    return figure
