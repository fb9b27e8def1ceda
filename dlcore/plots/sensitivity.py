"""Sensitivity of scores to the threshold: NAB score, events and false alarms by factor of the threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, ORANGE, VERMILLION
from dlcore.plots.style import blank

TICKS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 2.0)
_LOWEST = -20
"""NAB scores below this are not drawn: the score has no lower bound."""
_DOMAINS = {"y": (0.48, 1.0), "y2": (0.25, 0.43), "y3": (0.0, 0.2)}


@dataclass(frozen=True)
class SweptScores:
    """Scores of one method at each factor: NAB (F,), detected events (F,), false alarms (F,)."""

    nab: np.ndarray
    events_hit: np.ndarray
    false_alarms: np.ndarray


def score_by_factor(
    factors: np.ndarray,
    scores: SweptScores,
    *,
    seeds: Sequence[np.ndarray] = (),
    competitors: Mapping[str, SweptScores] | None = None,
    marks: Mapping[str, float] | None = None,
    events: int,
) -> go.Figure:
    """Plot NAB scores, detected events and false alarms over factors (F,) on a log axis.

    seeds: NAB (F,) of single seeds, thin. competitors: other methods at their thresholds, dashed. marks: named factors.
    """
    figure = blank("Sensitivity to the threshold", x="", y="NAB", height=520)
    for number, nab in enumerate(seeds):
        figure.add_scatter(
            x=factors,
            y=_clip(nab),
            mode="lines",
            name="seeds",
            legendgroup="seeds",
            showlegend=number == 0,
            line={"color": GRAY, "width": 1},
            hovertemplate=f"seed {number + 1}: %{{y:.1f}}<extra></extra>",
        )
    for name, competitor in (competitors or {}).items():
        _lines(figure, factors, competitor, name=name, color=ORANGE, dash="dash")
    _lines(figure, factors, scores, name="this run", color=BLUE, dash="solid")
    figure.add_vline(x=1.0, line={"color": GRAY, "width": 1.5})
    for text, factor in (marks or {}).items():
        figure.add_vline(x=factor, line={"color": VERMILLION, "dash": "dot", "width": 1.5})
        figure.add_annotation(
            x=np.log10(factor),
            y=_LOWEST,
            text=text,
            showarrow=False,
            yanchor="bottom",
            xshift=-4 if factor < 1 else 4,
            xanchor="right" if factor < 1 else "left",
            font={"color": VERMILLION},
        )
    _axes(figure, scores, competitors or {}, events)
    return figure


def _lines(figure: go.Figure, factors: np.ndarray, scores: SweptScores, *, name: str, color: str, dash: str) -> None:
    rows = (
        ("y", scores.nab, "NAB %{y:.1f}"),
        ("y2", scores.events_hit, "%{y} events"),
        ("y3", scores.false_alarms, "%{y} false alarms"),
    )
    for axis, values, hover in rows:
        figure.add_scatter(
            x=factors,
            y=_clip(values) if axis == "y" else values,
            yaxis=axis,
            mode="lines",
            name=name,
            legendgroup=name,
            showlegend=axis == "y",
            line={"color": color, "dash": dash, "width": 2, "shape": "linear" if axis == "y" else "hv"},
            hovertemplate=f"{name}, %{{x:.2f}} x: {hover}<extra></extra>",
        )


def _clip(nab: np.ndarray) -> np.ndarray:
    return np.where(nab < _LOWEST, np.nan, nab).astype(np.float32)


def _axes(figure: go.Figure, scores: SweptScores, competitors: Mapping[str, SweptScores], events: int) -> None:
    most = max([1, *(int(np.max(method.false_alarms, initial=0)) for method in (scores, *competitors.values()))])
    grid = {"gridcolor": figure.layout.xaxis.gridcolor, "zeroline": False, "automargin": True}
    figure.update_layout(
        xaxis={
            "type": "log",
            "tickvals": TICKS,
            "ticktext": [f"{tick:g}" for tick in TICKS],
            "anchor": "y3",
            "title": "factor of the threshold",
            "range": [np.log10(0.5), np.log10(2)],
        },
        yaxis={"domain": _DOMAINS["y"], "title": "NAB", "range": [_LOWEST, 105], "tickvals": [0, 25, 50, 75, 100]},
        yaxis2={**grid, "domain": _DOMAINS["y2"], "title": "events", "range": [-0.3, events + 0.3], "nticks": 4},
        yaxis3={**grid, "domain": _DOMAINS["y3"], "title": "false<br>alarms", "range": [-0.3, 1.1 * most], "nticks": 4},
    )
