"""Figures that compare several models."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import ORDER
from dlcore.plots.style import blank

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star", "cross")


def class_accuracy(
    shares: np.ndarray,
    variants: Sequence[str],
    labels: Sequence[str],
    *,
    low: np.ndarray,
    high: np.ndarray,
    colors: Sequence[int] = (),
) -> go.Figure:
    """Plot the recall per class (V, K), 0 to 1, with one marker per variant; `low`, `high` (V, K): range over seeds.

    `colors` are positions in the palette, by default those of the variants.
    """
    figure = blank("Recall per class", x="recall, %", y="", height=140 + (14 * len(variants) + 12) * len(labels))
    for k, (variant, color) in enumerate(zip(variants, colors or range(len(variants)), strict=True)):
        values, ends = 100 * shares[k], (100 * low[k], 100 * high[k])
        figure.add_scatter(
            y=list(labels),
            x=values,
            orientation="h",
            name=variant,
            mode="markers",
            offsetgroup=str(k),
            marker={"color": ORDER[color % len(ORDER)], "size": 10, "symbol": SYMBOLS[color % len(SYMBOLS)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": ends[1] - values,
                "arrayminus": values - ends[0],
                "visible": bool((ends[1] > ends[0]).any()),
                "thickness": 2,
                "width": 0,
            },
            hovertemplate="%{y}: %{x:.1f} %<extra>" + variant + "</extra>",
        )
    lowest = 10 * np.floor(10 * np.nanmin(low, initial=1.0))  # markers, not bars: the axis need not start at 0
    figure.update_xaxes(range=[lowest - 2, 102])
    figure.update_layout(scattermode="group", scattergap=0.4, legend={"traceorder": "normal"})
    figure.update_yaxes(type="category", autorange="reversed")
    return figure


def scatter(
    x: Sequence[float | str], y: Sequence[float], names: Sequence[str], *, axes: tuple[str, str], colors: Sequence[int]
) -> go.Figure:
    """Plot one marker per run: a setting or cost (n,) against a metric (n,); `names` (n,) are the variants.

    `axes` are the titles of both axes, `colors` (n,) positions in the palette. A wide range of costs gets a log axis.
    """
    figure = blank(f"{axes[1]} against {axes[0]}", x=axes[0], y=axes[1], height=380)
    for name in dict.fromkeys(names):
        rows = [row for row, other in enumerate(names) if other == name]
        color = colors[rows[0]]
        figure.add_scatter(
            x=[x[row] for row in rows],
            y=[y[row] for row in rows],
            mode="markers",
            name=name,
            marker={"size": 11, "color": ORDER[color % len(ORDER)], "symbol": SYMBOLS[color % len(SYMBOLS)]},
            hovertemplate=f"%{{x}}: %{{y:.4g}}<extra>{name}</extra>",
        )
    numbers = [value for value in x if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(x):
        figure.update_xaxes(type="category")
    elif min(numbers, default=0) > 0 and max(numbers) > 30 * min(numbers):
        figure.update_xaxes(type="log")
    return figure


def accuracy_intervals(
    names: Sequence[str], values: np.ndarray, groups: Sequence[str], *, low: np.ndarray, high: np.ndarray
) -> go.Figure:
    """Plot the accuracy (V,) of each model in percent with its interval from `low` to `high`, one color per group."""
    figure = blank("", x="accuracy, %", y="", height=110 + 26 * len(names))
    for color, group in enumerate(dict.fromkeys(groups)):
        rows = [row for row, other in enumerate(groups) if other == group]
        centers = 100 * values[rows]
        figure.add_scatter(
            x=centers,
            y=[names[row] for row in rows],
            mode="markers",
            name=group,
            marker={"size": 10, "color": ORDER[color % len(ORDER)], "symbol": SYMBOLS[color % len(SYMBOLS)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": 100 * high[rows] - centers,
                "arrayminus": centers - 100 * low[rows],
                "thickness": 2,
            },
            hovertemplate="%{y}: %{x:.1f} %<extra>" + group + "</extra>",
        )
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=list(names)[::-1])
    return figure
