"""The curve of a learning-rate range test."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GRAY, ORDER
from dlcore.plots.style import blank


def loss_by_rate(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], *, suggestion: float
) -> go.Figure:
    """Plot batch losses (n,) and their moving average by rates (n,), with the suggested rate."""
    figure = blank("Loss by learning rate", x="learning rate", y="loss")
    x, finite = np.asarray(rates), np.isfinite(losses)
    figure.add_scatter(
        x=x[finite], y=np.asarray(losses)[finite], name="batch", mode="markers", marker={"size": 4, "opacity": 0.4}
    )
    figure.add_scatter(
        x=x[finite], y=np.asarray(smoothed)[finite], name="moving average", mode="lines", line={"color": ORDER[0]}
    )
    curve = np.asarray(smoothed)[finite]
    fall = max(float(curve[0] - curve.min()), 0.1 * abs(float(curve[0])), 1e-6)
    figure.update_yaxes(range=[curve[0] - 1.2 * fall, curve[0] + 0.5 * fall])  # the rise at the end leaves the chart
    figure.update_xaxes(type="log", exponentformat="power", dtick=2)
    is_left = np.log(suggestion / x[0]) > np.log(x[-1] / x[0]) / 2
    figure.add_vline(x=suggestion, line={"color": GRAY, "dash": "dash", "width": 1.5})
    figure.add_annotation(
        x=float(np.log10(suggestion)),  # annotations on a log axis take the exponent
        y=1.0,
        yref="paper",
        text=f"suggested {suggestion:.2g}",
        showarrow=False,
        yanchor="top",
        xanchor="right" if is_left else "left",
        xshift=-4 if is_left else 4,
    )
    return figure
