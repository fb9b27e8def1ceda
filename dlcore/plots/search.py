"""Pictures of a search over settings: how its trials came out, which knobs matter, and where the good ones lie."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREY, VERMILLION
from dlcore.plots.style import blank, log_axis

_FAINTEST, _STRONGEST = 0.12, 0.8
_MOST_LINES = 150
_FEW = 3
"""With more axes than these, words stand upright: side by side they would run into each other on a phone."""


@dataclass(frozen=True)
class Axis:
    """One knob of parallel coordinates: `low` to `high` (on a logarithmic scale with `log`), or `choices`."""

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[str, ...] = ()

    def place(self, value: float | str) -> float:
        """Where a value lies, 0 at the bottom and 1 at the top."""
        if self.choices:
            return self.choices.index(str(value)) / max(1, len(self.choices) - 1)
        low, high, here = (math.log(v) if self.log else float(v) for v in (self.low, self.high, float(value)))
        return (here - low) / (high - low) if high > low else 0.5

    def ticks(self) -> list[tuple[float, str]]:
        """Places and what is written there."""
        if self.choices:
            return [(self.place(choice), choice) for choice in self.choices]
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return [(self.place(value), f"{value:.3g}") for value in (self.low, middle, self.high)]


def history(
    numbers: np.ndarray, values: np.ndarray, *, whole: np.ndarray, metric: str, highest: bool, log: bool = False
) -> go.Figure:
    """Every trial's value (n,) by its number, and the best so far among those trained to their end (`whole`, bool).

    One that is far worse than the others is drawn at the edge; what it really was is told on hovering.
    """
    figure = blank("Trials in order", x="trial", y=metric, height=320)
    log = log and bool((values > 0).all())
    drawn, ended_early = _within(values, highest=highest, log=log), ~whole
    for chosen, name, symbol, colour in (
        (whole, "trained to its end", "circle", BLUE),
        (ended_early, "ended early", "x-thin", GREY),
    ):
        figure.add_scatter(
            x=numbers[chosen],
            y=drawn[chosen],
            mode="markers",
            name=name,
            customdata=values[chosen],
            marker={"symbol": symbol, "size": 8, "color": colour, "line": {"color": colour, "width": 1.5}},
            hovertemplate="trial %{x}: %{customdata:.5g}<extra></extra>",
        )
    if whole.any():
        best = (np.maximum if highest else np.minimum).accumulate(drawn[whole])
        figure.add_scatter(
            x=numbers[whole],
            y=best,
            mode="lines",
            name="best so far",
            hoverinfo="skip",
            line={"color": VERMILLION, "shape": "hv", "width": 2},
        )
    if log:
        figure.update_yaxes(**log_axis(values), tickfont={"size": 11})
    return figure


def importances(shares: Mapping[str, float]) -> go.Figure:
    """How much of the difference between trials each knob explains, 0 to 1, the most important on top."""
    names = list(shares)[::-1]
    figure = blank("What matters", x="share of the difference, %", y="", height=120 + 34 * len(names))
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
    axes: Sequence[Axis], rows: Sequence[Mapping[str, float | str]], values: np.ndarray, *, metric: str, highest: bool
) -> go.Figure:
    """Parallel coordinates: a line for each trial through its settings, the stronger the better, the best one thick.

    `values` (n,) are the trials' results; of many trials the best are drawn.
    """
    figure = blank("Settings of each trial", x="", y="", height=380)
    order = np.argsort(values if highest else -values, kind="stable")[-_MOST_LINES:]  # the best last, on top
    places = list(range(len(axes)))
    for rank, row in enumerate(order):
        share = rank / max(1, len(order) - 1)
        is_best = rank == len(order) - 1
        said = "<br>".join(f"{axis.name} {_told(rows[row][axis.name])}" for axis in axes)
        figure.add_scatter(
            x=places,
            y=[axis.place(rows[row][axis.name]) for axis in axes],
            mode="lines",
            showlegend=False,
            line={"color": VERMILLION if is_best else BLUE, "width": 4 if is_best else 1.5},
            opacity=1.0 if is_best else _FAINTEST + (_STRONGEST - _FAINTEST) * share**2,
            hovertemplate=f"{metric} {values[row]:.5g}<br>{said}<extra></extra>",
        )
    for place, axis in enumerate(axes):
        figure.add_vline(x=place, line={"color": GREY, "width": 1})
        for height, text in axis.ticks():
            last = place == len(axes) - 1  # what is long would not fit to its right
            upright = bool(axis.choices) and len(axes) > _FEW
            figure.add_annotation(
                x=place,
                y=height,
                text=text,
                showarrow=False,
                font={"size": 11},
                textangle=-90 if upright else 0,
                xanchor="right" if last and not upright else "left",
                xshift=-4 if last and not upright else 4,
                yanchor="top" if height > 0.9 else "bottom" if height < 0.1 else "middle",
            )
    figure.update_xaxes(
        tickvals=places,
        ticktext=[axis.name.replace("_", "<br>") for axis in axes],
        showgrid=False,
        range=[-0.3, len(axes) - 0.7],
        tickangle=0,
        fixedrange=True,
        ticklabeloverflow="allow",
    )
    figure.update_yaxes(visible=False, range=[-0.06, 1.06], fixedrange=True)
    return figure


def beyond(values: np.ndarray, *, highest: bool, log: bool) -> int:
    """How many values `history` draws at the edge, being far worse than the others."""
    return int((~np.isclose(_within(values, highest=highest, log=log), values, rtol=1e-9, atol=0)).sum())


def _within(values: np.ndarray, *, highest: bool, log: bool) -> np.ndarray:
    """Values with the few far worse ones moved to the edge: else one that ran away hides how the others differ."""
    told = np.log(values) if log else values
    low, middle, high = np.quantile(told, [0.25, 0.5, 0.75])
    reach = 4 * max(high - low, 1e-12) + abs(middle) * 1e-6
    edge = middle - reach if highest else middle + reach
    near = np.maximum(told, edge) if highest else np.minimum(told, edge)
    found: np.ndarray = np.exp(near) if log else near
    return found


def _told(value: float | str) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
