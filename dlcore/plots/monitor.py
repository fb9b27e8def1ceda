"""Figure of a monitored series: values and scores, alarms, and what feedback would change."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dlcore.plots.palette import BLUE, GRAY, GREEN, ORDER, VERMILLION
from dlcore.plots.style import CLEAR, GRID, milliseconds, thin

Span = tuple[int, int]
"""First time and the one after the last, in epoch milliseconds."""


@dataclass(frozen=True)
class FeedbackSpans:
    """Alarms now, and which of them the feedback would remove or add."""

    alarms: Sequence[Span]
    removed: Sequence[Span]
    added: Sequence[Span]


def scores_with_feedback(
    times: np.ndarray,
    curves: Mapping[str, np.ndarray],
    scores: np.ndarray,
    *,
    thresholds: np.ndarray,
    proposed: np.ndarray | None,
    spans: FeedbackSpans,
) -> go.Figure:
    """Plot curves of values and scores (n,) over times (n,), thresholds (n,) now and `proposed`, and marks at alarms.

    Points can be selected; infinite thresholds are left out.
    """
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.06, row_heights=[0.4, 0.6])
    known = thresholds[np.isfinite(thresholds)]
    top = 1.12 * max(float(scores.max(initial=0.0)), float(known.max(initial=0.0))) or 1.0
    for (name, values), color in zip(curves.items(), itertools.cycle(ORDER)):
        _line(figure, times, values, row=1, name=name, color=color)
    _line(figure, times, scores, row=2, name="score", color=GRAY)
    for name, limits, dash in (("threshold", thresholds, "solid"), ("proposed threshold", proposed, "dash")):
        if limits is None:
            continue
        finite = np.isfinite(limits)
        x, y = thin(times[finite], limits[finite])
        line = {"color": BLUE if dash == "solid" else GREEN, "dash": dash, "width": 2}
        figure.add_scatter(x=milliseconds(x), y=y, mode="lines", name=name, line=line, hoverinfo="skip", row=2, col=1)
    kinds = (
        ("alarm", [span for span in spans.alarms if span not in spans.removed], VERMILLION, "triangle-down"),
        ("no alarm any more", spans.removed, GRAY, "x"),
        ("new alarm", spans.added, GREEN, "star"),
    )
    for name, stretches, color, symbol in kinds:
        if not stretches:
            continue
        figure.add_scatter(
            x=[float(start) for start, _ in stretches],
            y=[top] * len(stretches),
            mode="markers",
            name=name,
            marker={"color": color, "symbol": symbol, "size": 12},
            hovertemplate=f"{name}, %{{x|%Y-%m-%d %H:%M}}<extra></extra>",
            row=2,
            col=1,
        )
        for start, stop in stretches:
            figure.add_vrect(x0=start, x1=stop, fillcolor=color, opacity=0.2, line_width=0, row="all", col=1)
    figure.update_xaxes(type="date", gridcolor=GRID, range=[float(times[0]), float(times[-1])])
    figure.update_yaxes(gridcolor=GRID, zeroline=False)
    title = "value" if len(curves) == 1 else "share of training range"
    figure.update_yaxes(title=title, row=1, col=1)
    figure.update_yaxes(title="score", range=[0, 1.06 * top], row=2, col=1)
    figure.update_layout(height=420, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, title="Values, and scores with alarms")
    return figure


def _line(figure: go.Figure, times: np.ndarray, values: np.ndarray, *, row: int, name: str, color: str) -> None:
    x, y = thin(times, values)
    figure.add_scatter(
        x=milliseconds(x),
        y=y.astype(np.float32),
        mode="lines+markers",  # only points with markers can be selected
        name=name,
        line={"color": color, "width": 1},
        marker={"size": 7, "opacity": 0, "color": color},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        row=row,
        col=1,
    )
