"""Figures of a classifier: confusion matrix, class and length distributions."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREEN, LIGHT_SHARES, VERMILLION
from dlcore.plots.style import blank

MANY = 12
"""With more classes than this, figures are compact."""


def confusion_matrix(counts: np.ndarray, labels: Sequence[str], *, title: str = "Confusion matrix") -> go.Figure:
    """Plot counts (K, K), row = actual, column = predicted, colored by the share of the row.

    With more than `MANY` classes, counts and column labels are shown on hover only.
    """
    size = len(labels)
    many = size > MANY
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    predicted = "predicted, in the order of the rows" if many else "predicted"
    figure = blank(title, x=predicted, y="actual", height=max(320, 150 + (14 if many else 40) * size))
    words = [
        [f"{n:,}<br>{s:.0%}" if size <= 4 else f"{n:,}" for n, s in zip(*row, strict=True)]
        for row in zip(counts, share, strict=True)
    ]
    figure.add_heatmap(
        x=list(labels),
        y=list(labels),
        z=share * 100,
        text=words,
        texttemplate=None if many else "%{text}",
        colorscale=LIGHT_SHARES,
        zmin=0,
        zmax=100,
        showscale=False,
        customdata=counts,
        xgap=1,
        ygap=1,
        hovertemplate="actual %{y}, predicted %{x}: %{customdata:,} (%{z:.1f} % of the row)<extra></extra>",
    )
    small = {"tickfont": {"size": 9}, "dtick": 1} if many else {}
    figure.update_yaxes(autorange="reversed", showgrid=False, type="category", **small)
    figure.update_xaxes(showgrid=False, type="category", showticklabels=not many)  # many labels would overlap
    return figure


def class_bars(values: np.ndarray, labels: Sequence[str], *, title: str, unit: str, sort: bool = False) -> go.Figure:
    """Plot one bar per class (K,), counts or percent; `sort` puts the lowest on top."""
    order = np.argsort(-values) if sort else np.arange(len(values))[::-1]
    figure = blank(title, x=unit, y="", height=130 + 26 * len(labels))
    figure.add_bar(
        y=[labels[k] for k in order],
        x=values[order],
        orientation="h",
        marker={"color": BLUE},
        showlegend=False,
        text=[f"{values[k]:,.1f}" for k in order],
        textposition="auto",
        textangle=0,
        hovertemplate="%{y}: %{x:,.4g}<extra></extra>",
    )
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def class_counts(counts: np.ndarray, splits: Sequence[str], labels: Sequence[str]) -> go.Figure:
    """Plot samples by class and split, counts (S, K), as stacked bars."""
    figure = blank("Samples per class", x="samples", y="", height=150 + 26 * len(labels))
    for row, name, color in zip(counts, splits, (BLUE, GREEN, VERMILLION), strict=False):
        figure.add_bar(
            y=list(labels)[::-1],
            x=row[::-1],
            orientation="h",
            name=name,
            marker={"color": color},
            hovertemplate=f"%{{y}}, {name}: %{{x:,}}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    figure.update_yaxes(type="category", showgrid=False)
    return figure


def length_histogram(lengths: np.ndarray, *, unit: str, limit: int | None = None, bins: int = 60) -> go.Figure:
    """Plot the distribution of lengths (n,); `limit` marks where the model truncates."""
    figure = blank("Length of samples", x=f"length, {unit}", y="number of samples")
    count, edges = np.histogram(lengths, bins=bins)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2, y=count, width=np.diff(edges), marker={"color": BLUE}, showlegend=False
    )
    if limit is not None:
        figure.add_vline(x=limit, line={"color": VERMILLION, "dash": "dash"})
        figure.add_annotation(
            x=limit, y=1, yref="paper", text=f"the model reads {limit}", showarrow=False, xanchor="left", xshift=4
        )
    return figure


def over_padding(left: Mapping[str, np.ndarray]) -> go.Figure:
    """Plot the remaining difference between the states of two texts by padding tokens read.

    left: network -> share (P + 1,) of the difference after the last word.
    """
    figure = blank("Effect of padding on the state", x="padding, tokens", y="remaining difference, %", height=300)
    for (name, values), color, dash in zip(left.items(), (VERMILLION, BLUE), ("solid", "dash"), strict=False):
        figure.add_scatter(
            x=np.arange(len(values)),
            y=100 * values,
            mode="lines",
            name=name,
            line={"color": color, "width": 2, "dash": dash},
            hovertemplate=f"{name}: %{{y:.1f}} % after %{{x}} padding tokens<extra></extra>",
        )
    figure.update_yaxes(rangemode="tozero")
    return figure
