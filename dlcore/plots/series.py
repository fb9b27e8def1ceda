"""Figures of a time series: values with labeled windows, distribution, autocorrelation."""

import itertools
import string
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.palette import BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILLION
from dlcore.plots.style import DRAWN_POINTS, blank, milliseconds, thin, vertical

NUMBERED = 30
"""Up to this many windows are shaded one by one with their numbers."""

Window = tuple[int, int, str]
"""Start and end in epoch milliseconds, and what happened."""


def series_over_time(
    times: np.ndarray,
    values: np.ndarray,
    *,
    title: str,
    unit: str,
    windows: Sequence[Window] = (),
    plausible: Sequence[Window] = (),
    marks: Mapping[str, int] | None = None,
) -> go.Figure:
    """Plot values (n,) over times (n,), epoch milliseconds, with labeled windows shaded.

    `plausible`: unusual intervals without a label, shaded in another color. `marks`: named times, for example the start
    of the test split.
    """
    figure = blank(title, x="time", y=unit)
    figure.update_xaxes(type="date")
    x, y = thin(times, values)
    figure.add_scatter(
        x=milliseconds(x),
        y=y.astype(np.float32),
        mode="lines",
        name="value",
        line={"color": BLUE, "width": 1},
        showlegend=False,
    )
    reach = (float(y.min()), float(y.max())) if len(y) else (0.0, 1.0)
    _shade(figure, windows, reach)
    _mark_plausible(figure, plausible)
    for number, (text, moment) in enumerate((marks or {}).items()):
        vertical(figure, float(moment), text, left=number % 2 == 0, height=1 - 0.08 * (number % 2))
    return figure


def before_and_after(
    times: np.ndarray, values: np.ndarray, rebuilt: np.ndarray, *, moment: int, unit: str, name: str = "reconstruction"
) -> go.Figure:
    """Plot an interval (n,) and its reconstruction, or what `name` says; `moment` (epoch milliseconds) is the time of
    the alarm.
    """
    figure = blank(f"Input and {name}", x="time", y=unit)
    figure.update_xaxes(type="date")
    for label, line, color, dash in (("input", values, BLUE, "solid"), (name, rebuilt, VERMILLION, "dash")):
        x, y = thin(times, line)
        figure.add_scatter(
            x=milliseconds(x), y=y.astype(np.float32), mode="lines", name=label, line={"color": color, "dash": dash}
        )
    vertical(figure, float(moment), "alarm", left=moment > int(times[len(times) // 2]))
    return figure


def box_plot(values: np.ndarray, *, title: str, unit: str, by: np.ndarray | None = None) -> go.Figure:
    """Plot median, quartiles and whiskers (1.5 IQR) of values (n,), or of each group named in `by` (n,).

    The statistics are computed here, so that the browser does not receive every point.
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
        x=names,
        q1=quartiles[:, 0],
        median=quartiles[:, 1],
        q3=quartiles[:, 2],
        lowerfence=[w[0] for w in whiskers],
        upperfence=[w[1] for w in whiskers],
        mean=[group.mean() for group in groups],
        line={"color": BLUE},
        fillcolor="rgba(0, 114, 178, 0.25)",
        name="",
        showlegend=False,
    )
    return figure


def histogram_by_range(values: np.ndarray, *, title: str, unit: str, bins: int = 20) -> go.Figure:
    """Plot a histogram of values (n,) with `bins` equal bins."""
    figure = blank(title, x=unit, y="number of values")
    count, edges = np.histogram(values, bins=bins)
    middle = (edges[:-1] + edges[1:]) / 2
    digits = max(0, 2 - int(np.floor(np.log10(edges[1] - edges[0]))))  # three significant digits of the bin width
    names = [f"{low:,.{digits}f} to {high:,.{digits}f}" for low, high in itertools.pairwise(edges)]
    figure.add_bar(
        x=middle,
        y=count,
        width=np.diff(edges) * 0.94,
        marker={"color": BLUE},
        customdata=names,
        showlegend=False,
        hovertemplate="%{customdata}: %{y:,} values<extra></extra>",
    )
    return figure


def autocorrelation(values: np.ndarray, *, lags: int, step: tuple[float, str], marks: Mapping[str, int]) -> go.Figure:
    """Plot the autocorrelation of a series (n,); `marks` name lags, `step` is the sampling interval and its unit."""
    figure = blank("Autocorrelation", x=f"lag, {step[1]}", y="correlation")
    correlations = correlation_by_lag(values, lags)
    x, y = thin(np.arange(lags + 1) * step[0], correlations)
    band = 1.96 / np.sqrt(len(values))  # 95 % interval of white noise of this length
    figure.add_hrect(y0=-band, y1=band, fillcolor=GRAY, opacity=0.3, line={"width": 0})
    figure.add_scatter(x=x, y=y.astype(np.float32), mode="lines", line={"color": BLUE}, showlegend=False)
    for (text, lag), color in zip(marks.items(), (VERMILLION, GREEN, ORANGE, PURPLE), strict=False):
        figure.add_scatter(
            x=[lag * step[0]],
            y=[correlations[lag]],
            mode="markers+text",
            text=[f"{text}: {correlations[lag]:.2f}"],
            textposition="top left" if lag > lags / 2 else "top right",
            marker={"color": color, "size": 10},
            showlegend=False,
            hovertemplate=f"{text}: %{{y:.3f}}<extra></extra>",
        )
    figure.update_yaxes(range=[min(-0.6, float(correlations.min()) - 0.1), 1.15])
    return figure


def correlation_by_lag(values: np.ndarray, lags: int) -> np.ndarray:
    """Return the autocorrelation (lags + 1,) of values (n,): biased estimate (Box & Jenkins), by FFT."""
    centered = values - values.mean()
    power = np.abs(np.fft.rfft(centered, 2 * len(values))) ** 2
    sums: np.ndarray = np.fft.irfft(power)[: lags + 1]
    return sums / sums[0] if sums[0] > 0 else np.zeros(lags + 1)


def _shade(figure: go.Figure, windows: Sequence[Window], reach: tuple[float, float]) -> None:
    """Shade windows with numbers; many are drawn as one filled curve, since shapes are slow in the browser."""
    if len(windows) > NUMBERED:
        _fill(figure, windows, reach)
        return
    for number, (start, end, name) in enumerate(windows, start=1):
        _span(figure, (start, end, name), ORANGE, opacity=0.28, text=str(number))
    if windows:
        names = ", ".join(f"{number} {name}" for number, (_, _, name) in enumerate(windows, start=1))
        _swatch(figure, f"labeled: {names}" if len(names) < 30 else "labeled", ORANGE)


def _mark_plausible(figure: go.Figure, windows: Sequence[Window]) -> None:
    for letter, window in zip(string.ascii_lowercase, windows, strict=False):
        _span(figure, window, PURPLE, opacity=0.5, text=letter)
    if windows:
        _swatch(figure, "plausible", PURPLE)


def _span(figure: go.Figure, window: Window, color: str, *, opacity: float, text: str) -> None:
    start, end, name = window
    low, high = float(start), float(end)
    figure.add_vrect(x0=low, x1=high, fillcolor=color, opacity=opacity, line={"width": 0}, layer="below")
    figure.add_annotation(
        x=(low + high) / 2,
        y=1,
        yref="paper",
        text=text,
        hovertext=name,
        showarrow=False,
        yanchor="top",
        font={"size": 13},
    )


def _fill(figure: go.Figure, windows: Sequence[Window], reach: tuple[float, float]) -> None:
    intervals = np.array(sorted((start, end) for start, end, _ in windows), dtype=np.float64)
    is_separate = intervals[1:, 0] - np.maximum.accumulate(intervals[:-1, 1]) > np.ptp(intervals) / DRAWN_POINTS * 4
    starts = intervals[np.r_[True, is_separate], 0]
    ends = np.maximum.accumulate(intervals[:, 1])[np.r_[is_separate, True]]  # merge those closer than a few pixels
    corners = np.stack([starts, starts, ends, ends, np.full(len(starts), np.nan)], axis=1).ravel()
    low, high = reach
    figure.add_scatter(
        x=corners,
        y=np.tile([low, high, high, low, np.nan], len(starts)).astype(np.float32),
        fill="toself",
        mode="lines",
        line={"width": 0},
        fillcolor="rgba(230, 159, 0, 0.28)",
        hoverinfo="skip",
        name=f"labeled ({len(windows):,} windows)",
    )


def _swatch(figure: go.Figure, name: str, color: str) -> None:
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=name,
        marker={"color": color, "symbol": "square", "size": 12, "opacity": 0.5},
    )
