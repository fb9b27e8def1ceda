"""Pictures of a reconstruction error: how it is spread, and how it runs over time, each with the threshold."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import GREY, ORANGE, VERMILLION
from dlcore.plots.style import SPLIT_COLOURS, blank, log_axis, milliseconds, thin

BINS = 60


def error_distribution(errors: Mapping[str, np.ndarray], *, threshold: float | None, log: bool = True) -> go.Figure:
    """Counts of errors by split (names to (n,)), on a logarithmic count axis, with the threshold as a line.

    The error axis is logarithmic too (`log`), since errors of a good model span orders of magnitude.
    """
    figure = blank("How the reconstruction error is spread", x="reconstruction error", y="number of points")
    pool = np.concatenate([split[np.isfinite(split)] for split in errors.values()])
    low, high = _span(pool, log=log)
    edges = np.geomspace(low, high, BINS + 1) if log else np.linspace(low, high, BINS + 1)
    for name, split in errors.items():
        count, _ = np.histogram(np.clip(split, low, high), bins=edges)
        figure.add_scatter(
            x=edges, y=np.r_[count, count[-1]].astype(np.float32) + 1e-9, mode="lines", name=f"{name} ({len(split):,})",
            line={"shape": "hv", "color": SPLIT_COLOURS.get(name, GREY), "width": 2},
        )  # fmt: skip
    most = max(len(split) for split in errors.values())
    figure.update_yaxes(**log_axis(np.array([1.0, most])), range=[-0.3, np.log10(most)])
    if log:
        figure.update_xaxes(**log_axis(edges))
    if threshold is not None and threshold > 0:
        # A shape on a log axis takes the value, an annotation its logarithm: a plotly.js rule.
        figure.add_vline(x=threshold, line={"color": VERMILLION, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(threshold) if log else threshold, y=1, yref="paper", text=f"threshold {threshold:.3g}",
            showarrow=False, xanchor="right", xshift=-4, yanchor="top",
        )  # fmt: skip
    return figure


def error_over_time(
    times: np.ndarray, errors: np.ndarray, *, threshold: float, title: str, windows: np.ndarray | None = None
) -> go.Figure:
    """Errors (n,) over times (n,), epoch milliseconds, on a logarithmic axis; windows (E, 2) are shaded."""
    figure = blank(title, x="time", y="reconstruction error")
    figure.update_xaxes(type="date")
    x, y = thin(times, errors)
    figure.add_scatter(
        x=milliseconds(x), y=y.astype(np.float32), mode="lines", name="error", line={"color": GREY, "width": 1}
    )
    above = errors > threshold
    x, y = thin(times[above], errors[above])
    figure.add_scatter(
        x=milliseconds(x), y=y.astype(np.float32), mode="markers", name=f"above the threshold ({int(above.sum()):,})",
        marker={"color": VERMILLION, "size": 5},
    )  # fmt: skip
    for start, end in windows if windows is not None else ():
        figure.add_vrect(
            x0=float(start), x1=float(end), fillcolor=ORANGE, opacity=0.28, line={"width": 0}, layer="below"
        )
    figure.add_hline(y=threshold, line={"color": VERMILLION, "dash": "dash", "width": 1.5})
    figure.update_yaxes(**log_axis(errors))
    return figure


def window_contributions(times: np.ndarray, errors: np.ndarray, *, alarm: int) -> go.Figure:
    """Share that each point (n,) has in its window's error, in percent; the alarm's own point (index) stands out."""
    figure = blank("Which points make up this window's error", x="time", y="share of the error, %")
    figure.update_xaxes(type="date")
    total = float(errors.sum()) or 1.0
    colours = [VERMILLION if i == alarm else GREY for i in range(len(errors))]
    figure.add_bar(
        x=milliseconds(times), y=(100 * errors / total).astype(np.float32), marker={"color": colours}, showlegend=False,
        hovertemplate="%{x|%a %d %b %H:%M}: %{y:.1f} %<extra></extra>",
    )  # fmt: skip
    return figure


def _span(pool: np.ndarray, *, log: bool) -> tuple[float, float]:
    """The range to draw: never empty, and above 0 on a logarithmic axis."""
    pool = pool[pool > 0] if log else pool
    if not len(pool):
        return (1e-6, 1.0) if log else (0.0, 1.0)
    low, high = float(pool.min()), float(pool.max())
    if log:
        low = max(low, high * 1e-6)
    return (low, high) if high > low else (low * 0.5, low * 1.5 + 1e-12)
