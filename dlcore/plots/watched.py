"""Charts of watched runs."""

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY
from dlcore.plots.style import blank

MOST_POINTS = 3000
"""Most points of a scatter."""


def predicted_against_actual(values: np.ndarray, targets: np.ndarray) -> go.Figure:
    """Plot predicted values (N,) against targets (N,); a sample of them if there are many. The diagonal is perfect."""
    rows = np.arange(len(values))
    if len(rows) > MOST_POINTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_POINTS, replace=False))
    figure = blank("Predicted against actual", x="actual", y="predicted", height=420)
    ends = [float(min(values.min(), targets.min())), float(max(values.max(), targets.max()))]
    figure.add_scatter(x=ends, y=ends, mode="lines", name="perfect", line={"color": GRAY, "dash": "dot"})
    figure.add_scatter(
        x=targets[rows],
        y=values[rows],
        mode="markers",
        name="samples",
        marker={"color": BLUE, "size": 5, "opacity": 0.5},
    )
    return figure
