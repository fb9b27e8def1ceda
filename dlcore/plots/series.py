"""A series as a person first looks at it: over time with its labelled windows and alarms, and its spread."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION
from dlcore.plots.style import blank, milliseconds, thin, vertical

Window = tuple[int, int, str]
"""Start and end in epoch milliseconds, and what happened."""


def series_over_time(
    times: np.ndarray,
    values: np.ndarray,
    *,
    title: str,
    unit: str,
    windows: Sequence[Window] = (),
    alarms: np.ndarray | None = None,
    marks: Mapping[str, int] | None = None,
) -> go.Figure:
    """Values (n,) over times (n,), epoch milliseconds; labelled windows shaded, alarms (n,) as crosses.

    `marks` are named moments, such as where the test part begins.
    """
    figure = blank(title, x="time", y=unit)
    figure.update_xaxes(type="date")
    x, y = thin(times, values)
    figure.add_scatter(
        x=milliseconds(x), y=y.astype(np.float32), mode="lines", name="value", line={"color": BLUE, "width": 1}
    )
    _shade(figure, windows)
    if alarms is not None:
        x, y = thin(times[alarms], values[alarms])
        figure.add_scatter(
            x=milliseconds(x), y=y.astype(np.float32), mode="markers", name=f"alarm ({int(alarms.sum()):,} points)",
            marker={"color": VERMILLION, "symbol": "x-thin-open", "size": 8, "line": {"width": 1.5}},
        )  # fmt: skip
    for number, (text, moment) in enumerate((marks or {}).items()):
        vertical(figure, float(moment), text, left=number % 2 == 0, height=1 - 0.08 * (number % 2))
    return figure


def before_and_after(times: np.ndarray, seen: np.ndarray, rebuilt: np.ndarray, *, moment: int, unit: str) -> go.Figure:
    """A stretch (n,) as it was and as the model rebuilt it; `moment` (epoch milliseconds) is the alarm."""
    figure = blank("What the model saw, and what it rebuilt", x="time", y=unit)
    figure.update_xaxes(type="date")
    for name, line, colour, dash in (("seen", seen, BLUE, "solid"), ("rebuilt", rebuilt, VERMILLION, "dash")):
        x, y = thin(times, line)
        figure.add_scatter(
            x=milliseconds(x), y=y.astype(np.float32), mode="lines", name=name, line={"color": colour, "dash": dash}
        )
    vertical(figure, float(moment), "alarm", left=moment > int(times[len(times) // 2]))
    return figure


def box_plot(values: np.ndarray, *, title: str, unit: str, by: np.ndarray | None = None) -> go.Figure:
    """Median, quartiles and whiskers (1.5 quartile distances) of values (n,), or of each group named in `by` (n,).

    The five numbers are worked out here, so that not every point travels to the browser.
    """
    figure = blank(title, x="", y=unit)
    names = [""] if by is None else list(dict.fromkeys(by.tolist()))
    groups = [values if by is None else values[by == name] for name in names]
    quartiles = np.array([np.quantile(group, [0.25, 0.5, 0.75]) for group in groups])  # (G, 3)
    reach = 1.5 * (quartiles[:, 2] - quartiles[:, 0])
    whiskers = [
        (group[group >= q[0] - r].min(), group[group <= q[2] + r].max())
        for group, q, r in zip(groups, quartiles, reach, strict=True)
    ]
    figure.add_box(
        x=names, q1=quartiles[:, 0], median=quartiles[:, 1], q3=quartiles[:, 2], lowerfence=[w[0] for w in whiskers],
        upperfence=[w[1] for w in whiskers], mean=[group.mean() for group in groups],
        line={"color": BLUE}, fillcolor="rgba(0, 114, 178, 0.25)", name="", showlegend=False,
    )  # fmt: skip
    return figure


def histogram_by_range(values: np.ndarray, *, title: str, unit: str, bins: int = 20) -> go.Figure:
    """How many of the values (n,) fall in each of `bins` equal ranges."""
    figure = blank(title, x=unit, y="number of values")
    count, edges = np.histogram(values, bins=bins)
    middle = (edges[:-1] + edges[1:]) / 2
    names = [f"{low:,.0f} to {high:,.0f}" for low, high in itertools.pairwise(edges)]
    figure.add_bar(
        x=middle, y=count, width=np.diff(edges) * 0.94, marker={"color": BLUE}, customdata=names, showlegend=False,
        hovertemplate="%{customdata}: %{y:,} values<extra></extra>",
    )  # fmt: skip
    return figure


def autocorrelation(values: np.ndarray, *, lags: int, step_hours: float, marks: Mapping[str, int]) -> go.Figure:
    """How alike the series (n,) is to itself so many points later; `marks` name lags, such as a day and a week."""
    figure = blank("How alike the series is to itself later (autocorrelation)", x="shift, hours", y="correlation")
    found = correlation_by_lag(values, lags)
    hours = np.arange(lags + 1) * step_hours
    band = 1.96 / np.sqrt(len(values))  # what white noise of this length stays within, 95 times in 100
    figure.add_hrect(y0=-band, y1=band, fillcolor=GREY, opacity=0.3, line={"width": 0})
    figure.add_scatter(x=hours, y=found.astype(np.float32), mode="lines", line={"color": BLUE}, showlegend=False)
    for (text, lag), colour in zip(marks.items(), (VERMILLION, GREEN, ORANGE, PURPLE), strict=False):
        figure.add_scatter(
            x=[lag * step_hours], y=[found[lag]], mode="markers+text", text=[f"{text}: {found[lag]:.2f}"],
            textposition="top left" if lag > lags / 2 else "top right", marker={"color": colour, "size": 10},
            showlegend=False, hovertemplate=f"{text}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    figure.update_yaxes(range=[min(-0.6, float(found.min()) - 0.1), 1.15])
    return figure


def correlation_by_lag(values: np.ndarray, lags: int) -> np.ndarray:
    """Autocorrelation (lags + 1,) of values (n,): the usual biased estimate (Box & Jenkins), by Fourier transform."""
    centred = values - values.mean()
    power = np.abs(np.fft.rfft(centred, 2 * len(values))) ** 2
    sums: np.ndarray = np.fft.irfft(power)[: lags + 1]
    return sums / sums[0] if sums[0] > 0 else np.zeros(lags + 1)


def _shade(figure: go.Figure, windows: Sequence[Window]) -> None:
    for number, (start, end, name) in enumerate(windows, start=1):
        figure.add_vrect(
            x0=float(start), x1=float(end), fillcolor=ORANGE, opacity=0.28, line={"width": 0}, layer="below"
        )
        figure.add_annotation(
            x=float(start + end) / 2, y=1, yref="paper", text=str(number), hovertext=name, showarrow=False,
            yanchor="top", font={"size": 13},
        )  # fmt: skip
    if windows:
        names = ", ".join(f"{number} {name}" for number, (_, _, name) in enumerate(windows, start=1))
        figure.add_scatter(
            x=[None], y=[None], mode="markers", name=f"labelled: {names}" if len(names) < 60 else "labelled window",
            marker={"color": ORANGE, "symbol": "square", "size": 12, "opacity": 0.5},
        )  # fmt: skip
