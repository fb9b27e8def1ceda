"""Figures of a reconstruction error: over time with the threshold, and by point of one window."""

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GRAY, ORANGE, VERMILLION
from dlcore.plots.style import blank, log_axis, milliseconds, thin


def error_over_time(
    times: np.ndarray, errors: np.ndarray, *, threshold: float, title: str, windows: np.ndarray | None = None
) -> go.Figure:
    """Plot errors (n,) over times (n,), epoch milliseconds, on a log axis; windows (E, 2) are shaded."""
    figure = blank(title, x="time", y="reconstruction error")
    figure.update_xaxes(type="date")
    x, y = thin(times, errors)
    figure.add_scatter(
        x=milliseconds(x), y=y.astype(np.float32), mode="lines", name="error", line={"color": GRAY, "width": 1}
    )
    above = errors > threshold
    x, y = thin(times[above], errors[above])
    figure.add_scatter(
        x=milliseconds(x),
        y=y.astype(np.float32),
        mode="markers",
        name=f"above the threshold ({int(above.sum()):,})",
        marker={"color": VERMILLION, "size": 5},
    )
    for start, end in windows if windows is not None else ():
        figure.add_vrect(
            x0=float(start), x1=float(end), fillcolor=ORANGE, opacity=0.28, line={"width": 0}, layer="below"
        )
    figure.add_hline(y=threshold, line={"color": VERMILLION, "dash": "dash", "width": 1.5})
    figure.update_yaxes(**log_axis(errors))
    return figure


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


def _span(pool: np.ndarray, *, log: bool) -> tuple[float, float]:
    """Return a non-empty range, above 0 on a log axis."""
    pool = pool[pool > 0] if log else pool
    if not len(pool):
        return (1e-6, 1.0) if log else (0.0, 1.0)
    low, high = float(pool.min()), float(pool.max())
    if log:
        low = max(low, high * 1e-6)
    return (low, high) if high > low else (low * 0.5, low * 1.5 + 1e-12)
