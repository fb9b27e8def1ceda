"""Reliability diagrams: how often a classifier is right when it is so and so sure."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREY, ORANGE
from dlcore.plots.style import blank


class Bins(Protocol):
    """For each used bin (M,): mean confidence, share right, samples."""

    @property
    def confidence(self) -> np.ndarray:
        """Mean confidence, 0 to 1."""
        ...

    @property
    def accuracy(self) -> np.ndarray:
        """Share that was right, 0 to 1."""
        ...

    @property
    def count(self) -> np.ndarray:
        """Samples."""
        ...


def reliability(found: Mapping[str, Bins]) -> go.Figure:
    """One line for each name: on the diagonal a model means what it says (DeGroot & Fienberg 1983)."""
    figure = blank("Is it as sure as it should be?", x="confidence, %", y="right answers, %")
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="ideal",
        line={"color": GREY, "dash": "dot"},
        hoverinfo="skip",
    )
    for (name, bins), colour, symbol in zip(found.items(), (BLUE, ORANGE), ("circle", "diamond"), strict=False):
        figure.add_scatter(
            x=100 * bins.confidence,
            y=100 * bins.accuracy,
            mode="lines+markers",
            name=name,
            line={"color": colour},
            customdata=bins.count,
            marker={"symbol": symbol, "size": 6 + 14 * np.sqrt(bins.count / max(bins.count.max(), 1))},
            hovertemplate=f"{name}: said %{{x:.0f}} %, right %{{y:.0f}} %, %{{customdata:,}} samples<extra></extra>",
        )
    figure.update_xaxes(range=[-2, 104])
    figure.update_yaxes(range=[-2, 104])
    return figure
