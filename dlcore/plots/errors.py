"""Figure of a reconstruction error by point of one window."""

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GRAY, VERMILLION
from dlcore.plots.style import blank, milliseconds


def window_contributions(times: np.ndarray, errors: np.ndarray, *, alarm: int) -> go.Figure:
    """Plot the share of each point (n,) in the error of its window; the point of the alarm (index) is highlighted."""
    figure = blank("Share of each point in the error of this window", x="time", y="share of the error, %")
    figure.update_xaxes(type="date")
    total = float(errors.sum()) or 1.0
    colors = [VERMILLION if i == alarm else GRAY for i in range(len(errors))]
    figure.add_bar(
        x=milliseconds(times),
        y=(100 * errors / total).astype(np.float32),
        marker={"color": colors},
        showlegend=False,
        hovertemplate="%{x|%a %d %b %H:%M}: %{y:.1f} %<extra></extra>",
    )
    return figure
