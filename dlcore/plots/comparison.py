"""Plot several models side by side."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import ORDER
from dlcore.plots.style import blank

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")


def class_accuracy(
    shares: np.ndarray, arms: Sequence[str], labels: Sequence[str], *, low: np.ndarray, high: np.ndarray
) -> go.Figure:
    """Plot recall per class, (A, K) in 0 to 1, one marker per model; `low`, `high` (A, K) are ranges over seeds."""
    figure = blank("Recall per class", x="right, %", y="", height=140 + (14 * len(arms) + 12) * len(labels))
    for k, arm in enumerate(arms):
        values, ends = 100 * shares[k], (100 * low[k], 100 * high[k])
        figure.add_scatter(
            y=list(labels),
            x=values,
            orientation="h",
            name=arm,
            mode="markers",
            offsetgroup=str(k),
            marker={"color": ORDER[k % len(ORDER)], "size": 10, "symbol": SYMBOLS[k % len(SYMBOLS)]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": ends[1] - values,
                "arrayminus": values - ends[0],
                "visible": bool((ends[1] > ends[0]).any()),
                "thickness": 2,
                "width": 0,
            },
            hovertemplate="%{y}: %{x:.1f} %<extra>" + arm + "</extra>",
        )
    lowest = 10 * np.floor(10 * np.nanmin(low, initial=1.0))  # markers, not bars: the axis need not start at zero
    figure.update_xaxes(range=[lowest - 2, 102])
    figure.update_layout(scattermode="group", scattergap=0.4, legend={"traceorder": "normal"})
    figure.update_yaxes(type="category", autorange="reversed")
    return figure
