"""Figures of a hyperparameter search: optimization history, parallel coordinates, importances."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, VERMILLION
from dlcore.plots.style import blank, log_axis

_MIN_OPACITY, _MAX_OPACITY = 0.12, 0.8
_MAX_LINES = 150
_MAX_HORIZONTAL_AXES = 3
"""With more axes than these, choices are rotated: they would overlap on a phone."""


@dataclass(frozen=True)
class Axis:
    """One parameter of parallel coordinates: `low` to `high` (log scale with `log`), or `choices`."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def position(self, value: float | str) -> float:
        """Return the position of a value, from 0 (bottom) to 1 (top)."""
        if self.choices:
            return self.choices.index(str(value)) / max(1, len(self.choices) - 1)
        low, high, x = (math.log(v) if self.log else float(v) for v in (self.low, self.high, float(value)))
        return (x - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        """Return positions and labels."""
        if self.choices:
            return [(self.position(choice), choice) for choice in self.choices]
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return [(self.position(value), f"{value:.3g}") for value in (self.low, middle, self.high)]


def history(
    numbers: np.ndarray,
    values: np.ndarray,
    *,
    is_complete: np.ndarray,
    metric: str,
    maximize: bool,
    log: bool = False,
) -> go.Figure:
    """Plot the value of each trial by its number, and the best value so far of the complete ones.

    numbers, values, is_complete: (n,). Outliers are drawn at the edge; hovering shows their values.
    """
    figure = blank("Optimization history", x="trial", y=metric, height=320)
    log = log and bool((values > 0).all())
    clipped = _clip_outliers(values, maximize=maximize, log=log)
    for mask, name, symbol, color in (
        (is_complete, "complete", "circle", BLUE),
        (~is_complete, "pruned or running", "x-thin", GRAY),
    ):
        figure.add_scatter(
            x=numbers[mask],
            y=clipped[mask],
            mode="markers",
            name=name,
            customdata=values[mask],
            marker={"symbol": symbol, "size": 8, "color": color, "line": {"color": color, "width": 1.5}},
            hovertemplate="trial %{x}: %{customdata:.5g}<extra></extra>",
        )
    if is_complete.any():
        best = (np.maximum if maximize else np.minimum).accumulate(clipped[is_complete])
        figure.add_scatter(
            x=numbers[is_complete],
            y=best,
            mode="lines",
            name="best value",
            hoverinfo="skip",
            line={"color": VERMILLION, "shape": "hv", "width": 2},
        )
    if log:
        figure.update_yaxes(**log_axis(values), tickfont={"size": 11})
    return figure


def importances(shares: Mapping[str, float]) -> go.Figure:
    """Plot hyperparameter importances (0 to 1), the largest on top."""
    names = list(shares)[::-1]
    figure = blank("Hyperparameter importances", x="share of the variance, %", y="", height=120 + 34 * len(names))
    figure.add_bar(
        x=[100 * shares[name] for name in names],
        y=names,
        orientation="h",
        marker={"color": BLUE},
        hovertemplate="%{y}: %{x:.0f} %<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(range=[0, 100])
    return figure


def parallel(
    axes: Sequence[Axis],
    params: Sequence[Mapping[str, float | str]],
    values: np.ndarray,
    *,
    metric: str,
    maximize: bool,
) -> go.Figure:
    """Plot parallel coordinates: one line per trial, stronger for better values, the best one thick.

    params: one mapping per trial. values: (n,). Only the best 150 trials are drawn.
    """
    figure = blank("Parallel coordinates", x="", y="", height=380)
    order = np.argsort(values if maximize else -values, kind="stable")[-_MAX_LINES:]  # the best last, on top
    positions = list(range(len(axes)))
    for rank, row in enumerate(order):
        share = rank / max(1, len(order) - 1)
        is_best = rank == len(order) - 1
        hover = "<br>".join(f"{axis.name} {_format(params[row][axis.name])}" for axis in axes)
        figure.add_scatter(
            x=positions,
            y=[axis.position(params[row][axis.name]) for axis in axes],
            mode="lines",
            showlegend=False,
            line={"color": VERMILLION if is_best else BLUE, "width": 4 if is_best else 1.5},
            opacity=1.0 if is_best else _MIN_OPACITY + (_MAX_OPACITY - _MIN_OPACITY) * share**2,
            hovertemplate=f"{metric} {values[row]:.5g}<br>{hover}<extra></extra>",
        )
    for index, axis in enumerate(axes):
        _draw_axis(figure, axis, index, n_axes=len(axes))
    figure.update_xaxes(
        tickvals=positions,
        ticktext=[axis.name.replace("_", "<br>") for axis in axes],
        showgrid=False,
        range=[-0.3, len(axes) - 0.7],
        tickangle=0,
        fixedrange=True,
        ticklabeloverflow="allow",
    )
    figure.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    return figure


def count_outliers(values: np.ndarray, *, maximize: bool, log: bool) -> int:
    """Return how many values `history` draws at the edge."""
    return int((~np.isclose(_clip_outliers(values, maximize=maximize, log=log), values, rtol=1e-9, atol=0)).sum())


def _draw_axis(figure: go.Figure, axis: Axis, index: int, *, n_axes: int) -> None:
    figure.add_vline(x=index, line={"color": GRAY, "width": 1})
    is_rotated = bool(axis.choices) and n_axes > _MAX_HORIZONTAL_AXES
    to_the_left = index == n_axes - 1 and not is_rotated  # long labels would not fit right of the last axis
    for height, text in axis.ticks():
        figure.add_annotation(
            x=index,
            y=height,
            text=text,
            showarrow=False,
            font={"size": 11},
            textangle=-90 if is_rotated else 0,
            xanchor="right" if to_the_left else "left",
            xshift=-4 if to_the_left else 4,
            yanchor="top" if height > 0.9 else "bottom" if height < 0.1 else "middle",
        )


def _clip_outliers(values: np.ndarray, *, maximize: bool, log: bool) -> np.ndarray:
    """Clip values far worse than the others, so that one divergent trial does not hide the differences."""
    scaled = np.log(values) if log else values
    low, middle, high = np.quantile(scaled, [0.25, 0.5, 0.75])
    reach = 4 * max(high - low, 1e-12) + abs(middle) * 1e-6
    edge = middle - reach if maximize else middle + reach
    clipped = np.maximum(scaled, edge) if maximize else np.minimum(scaled, edge)
    result: np.ndarray = np.exp(clipped) if log else clipped
    return result


def _format(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
