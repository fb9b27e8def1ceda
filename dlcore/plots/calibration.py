"""Reliability diagrams: accuracy by confidence; and accuracy by coverage."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, ORANGE
from dlcore.plots.style import blank, thin


class Bins(Protocol):
    """Non-empty bins (M,): mean confidence, accuracy, number of samples."""

    @property
    def confidence(self) -> np.ndarray:
        """Mean confidence, 0 to 1."""
        ...

    @property
    def accuracy(self) -> np.ndarray:
        """Accuracy, 0 to 1."""
        ...

    @property
    def count(self) -> np.ndarray:
        """Number of samples."""
        ...


def reliability(curves: Mapping[str, Bins]) -> go.Figure:
    """Plot one reliability curve per name; the diagonal is perfect calibration (DeGroot & Fienberg 1983)."""
    figure = blank("Reliability diagram", x="confidence, %", y="accuracy, %")
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="ideal",
        line={"color": GRAY, "dash": "dot"},
        hoverinfo="skip",
    )
    for (name, bins), color, symbol in zip(curves.items(), (BLUE, ORANGE), ("circle", "diamond"), strict=False):
        figure.add_scatter(
            x=100 * bins.confidence,
            y=100 * bins.accuracy,
            mode="lines+markers",
            name=name,
            line={"color": color},
            customdata=bins.count,
            marker={"symbol": symbol, "size": 6 + 14 * np.sqrt(bins.count / max(bins.count.max(), 1))},
            hovertemplate=f"{name}: confidence %{{x:.0f}} %, accuracy %{{y:.0f}} %, n %{{customdata:,}}<extra></extra>",
        )
    figure.update_xaxes(range=[-2, 104])
    figure.update_yaxes(range=[-2, 104])
    return figure


def abstention_curve(accuracy: np.ndarray) -> go.Figure:
    """Plot the accuracy (N,) of the 1 to N most confident predictions by the share that is answered."""
    figure = blank("Accuracy by coverage", x="answered, %", y="accuracy of answers, %")
    first = min(len(accuracy) - 1, len(accuracy) // 50)  # the first few answers are noise
    share, values = thin(
        100 * np.arange(1, len(accuracy) + 1)[first:] / len(accuracy), 100 * accuracy[first:], limit=400
    )
    figure.add_scatter(
        x=share,
        y=values,
        mode="lines",
        line={"color": BLUE},
        showlegend=False,
        hovertemplate="answered %{x:.0f} %: accuracy %{y:.1f} %<extra></extra>",
    )
    figure.update_xaxes(range=[0, 102])
    return figure
