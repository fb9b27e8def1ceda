"""Figures of multivariate series: missing values, correlations, forecasts and actual values."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from dlcore.plots.attribution import FADING
from dlcore.plots.palette import BLUE, GRAY, GREEN, ORANGE, PURPLE, VERMILLION
from dlcore.plots.series import correlation_by_lag
from dlcore.plots.style import blank, milliseconds, thin

BAND = "rgba(0, 114, 178, 0.22)"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = 400
"""Columns of the map of missing values."""


def missing_map(times: np.ndarray, observed: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Plot the share of observed hours by variable and time; times (T,), observed (T, V) bool."""
    step = max(1, len(times) // COLUMNS)
    whole = len(times) // step * step
    share = observed[:whole].reshape(-1, step, len(names)).mean(axis=1).T  # (V, columns)
    figure = blank("Missing values", x="time", y="", height=120 + 24 * len(names))
    figure.add_heatmap(
        x=milliseconds(times[:whole:step]),
        y=list(names),
        z=(100 * share).astype(np.float32),
        zmin=0,
        zmax=100,
        colorscale=[[0, VERMILLION], [0.5, ORANGE], [1, BLUE]],
        colorbar={"title": {"text": "measured"}, "thickness": 12, "ticksuffix": " %"},
        hovertemplate="%{y}, %{x|%d %b %Y}: %{z:.0f} % measured<extra></extra>",
    )
    figure.update_xaxes(type="date", showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def correlations(values: np.ndarray, names: Sequence[str]) -> go.Figure:
    """Plot Pearson correlations of variables over the hours in which both were observed; values (T, V)."""
    matrix = correlation_matrix(values)
    figure = blank("Correlation matrix", x="", y="", height=160 + 26 * len(names))
    figure.add_heatmap(
        x=list(names),
        y=list(names),
        z=matrix.astype(np.float32),
        zmin=-1,
        zmax=1,
        colorscale=FADING,
        colorbar={"title": {"text": "correlation"}, "thickness": 12},
        hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
    )
    figure.update_xaxes(showgrid=False, tickangle=-45)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    return figure


def correlation_matrix(values: np.ndarray) -> np.ndarray:
    """Return Pearson correlations (V, V) of values (T, V) with NaN, over common hours; NaN without any."""
    variables = values.shape[1]
    matrix = np.full((variables, variables), np.nan)
    for i in range(variables):
        for j in range(i, variables):
            both = ~np.isnan(values[:, i]) & ~np.isnan(values[:, j])
            if both.sum() > 2 and values[both, i].std() > 0 and values[both, j].std() > 0:
                matrix[i, j] = matrix[j, i] = np.corrcoef(values[both, i], values[both, j])[0, 1]
    return matrix


def partial_autocorrelation(values: np.ndarray, *, lags: int, step: tuple[float, str]) -> go.Figure:
    """Plot the partial autocorrelation of values (T,) without NaN; `step` is the sampling interval and its unit."""
    correlations = partial_by_lag(values, lags)
    figure = blank("Partial autocorrelation", x=f"lag, {step[1]}", y="correlation")
    band = 1.96 / np.sqrt(len(values))
    figure.add_hrect(y0=-band, y1=band, fillcolor=GRAY, opacity=0.3, line={"width": 0})
    figure.add_bar(
        x=np.arange(1, lags + 1) * step[0],
        y=correlations[1:].astype(np.float32),
        marker={"color": BLUE},
        showlegend=False,
    )
    return figure


def partial_by_lag(values: np.ndarray, lags: int) -> np.ndarray:
    """Return the partial autocorrelation (lags + 1,) of values (n,) by the Durbin-Levinson recursion (Durbin 1960)."""
    rho = correlation_by_lag(values, lags)
    partial, weights, error = np.zeros(lags + 1), np.zeros(lags + 1), 1.0
    partial[0] = 1.0
    for lag in range(1, lags + 1):
        reflected = (rho[lag] - weights[1:lag] @ rho[lag - 1 : 0 : -1]) / error if error > 1e-12 else 0.0
        weights[1:lag] = weights[1:lag] - reflected * weights[lag - 1 : 0 : -1]
        weights[lag] = partial[lag] = reflected
        error *= 1 - reflected**2
    return partial


def profile(middle: np.ndarray, low: np.ndarray, high: np.ndarray, *, weekly: bool, title: str, unit: str) -> go.Figure:
    """Plot the median profile of a day (24,) or a week (168,) with its interquartile range."""
    figure = blank(title, x="" if weekly else "hour of the day", y=unit)
    x = np.arange(len(middle))
    figure.add_scatter(
        x=np.r_[x, x[::-1]],
        y=np.r_[high, low[::-1]].astype(np.float32),
        fill="toself",
        fillcolor=BAND,
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        name="interquartile range",
    )
    figure.add_scatter(x=x, y=middle.astype(np.float32), mode="lines", line={"color": BLUE}, name="median")
    if weekly:
        figure.update_xaxes(tickvals=list(range(12, 168, 24)), ticktext=list(DAYS))
    return figure


def table_over_time(
    times: np.ndarray, values: np.ndarray, *, title: str, unit: str, marks: Mapping[str, int]
) -> go.Figure:
    """Plot one variable (T,) over time with gaps at NaN; `marks` are named times."""
    figure = blank(title, x="time", y=unit)
    figure.update_xaxes(type="date")
    x, y = _with_gaps(times, values)
    figure.add_scatter(x=x, y=y.astype(np.float32), mode="lines", line={"color": BLUE, "width": 1})
    for name, moment in marks.items():
        figure.add_vline(x=float(moment), line={"color": GRAY, "dash": "dash", "width": 1.5})
        figure.add_annotation(
            x=float(moment), y=1, yref="paper", text=name, showarrow=False, yanchor="bottom", xanchor="right"
        )
    return figure


def _with_gaps(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Downsample, with a gap wherever values are missing for longer than a pixel."""
    known = ~np.isnan(values)
    x, y = thin(times[known], values[known])
    far = np.flatnonzero(np.diff(x) > max(6 * np.median(np.diff(x)), 6 * (times[1] - times[0]))) + 1
    return np.insert(milliseconds(x), far, milliseconds(x[far] - 1)), np.insert(y, far, np.nan)


def methods_by_variable(scores: Mapping[str, np.ndarray], names: Sequence[str], *, title: str, unit: str) -> go.Figure:
    """Plot a marker per method and variable: method -> (V,), higher is better."""
    figure = blank(title, x=unit, y="", height=140 + 30 * len(names))
    marks = ("circle", "diamond", "x", "square")
    for (method, values), color, symbol in zip(scores.items(), (BLUE, GREEN, VERMILLION, PURPLE), marks, strict=False):
        figure.add_scatter(
            x=values.astype(np.float32),
            y=list(names),
            mode="markers",
            name=method,
            marker={"color": color, "symbol": symbol, "size": 10},
            hovertemplate=f"%{{y}}, {method}: %{{x:.3f}}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed")
    return figure


def scores_over_time(times: np.ndarray, curves: Mapping[str, np.ndarray], *, title: str, unit: str) -> go.Figure:
    """Plot curves (B,) over the starts (B,) of weeks; the y axis includes 0."""
    figure = blank(title, x="start of the week", y=unit)
    figure.update_xaxes(type="date")
    figure.add_hline(y=0, line={"color": GRAY, "width": 1})
    for name, values in curves.items():
        figure.add_scatter(x=milliseconds(times), y=values.astype(np.float32), mode="lines+markers", name=name)
    return figure


def forecast_week(
    forecast: tuple[np.ndarray, np.ndarray, np.ndarray], actual: np.ndarray, *, title: str, unit: str, height: int
) -> go.Figure:
    """Plot forecasts with their interval and actual values (n,), with gaps at NaN; drag to scroll.

    forecast: times, values, half widths of the 90 % interval.
    """
    times, values, widths = forecast
    x, known = milliseconds(times), np.isfinite(values) & np.isfinite(widths)
    figure = blank(title, x="", y=unit, height=height)
    figure.update_xaxes(type="date")
    figure.update_layout(dragmode="pan")
    figure.add_scatter(
        x=np.r_[x[known], x[known][::-1]],
        y=np.r_[(values + widths)[known], (values - widths)[known][::-1]].astype(np.float32),
        fill="toself",
        fillcolor=BAND,
        mode="lines",
        line={"width": 0},
        hoverinfo="skip",
        name="90 % interval",
    )
    figure.add_scatter(x=x, y=values.astype(np.float32), mode="lines", name="forecast", line={"color": BLUE})
    figure.add_scatter(
        x=x,
        y=actual.astype(np.float32),
        mode="lines+markers",
        name="measured",
        line={"color": VERMILLION, "width": 1, "dash": "dot"},
        marker={"size": 4},
    )
    return figure


def forecast_and_truth(
    past: tuple[np.ndarray, np.ndarray],
    forecast: tuple[np.ndarray, np.ndarray, np.ndarray],
    truth: np.ndarray,
    *,
    title: str,
    unit: str,
    other: np.ndarray | None = None,
) -> go.Figure:
    """Plot the forecast of one variable with its history and the actual values.

    past: times, values. forecast: times, values, half widths of the 90 % interval. truth (H,): NaN where missing.
    other (H,): a second forecast.
    """
    times, values, widths = forecast
    figure = blank(title, x="", y=unit, height=230)
    figure.update_xaxes(type="date")
    figure.add_scatter(
        x=milliseconds(past[0]),
        y=past[1].astype(np.float32),
        mode="lines+markers",
        name="history",
        line={"color": GRAY},
        marker={"size": 4},
    )
    figure.add_scatter(
        x=milliseconds(times),
        y=values.astype(np.float32),
        mode="markers+lines",
        name="forecast, 90 % interval",
        line={"color": BLUE},
        marker={"size": 9},
        error_y={"type": "data", "array": np.nan_to_num(widths).astype(np.float32), "color": BLUE},
    )
    figure.add_scatter(
        x=milliseconds(times),
        y=truth.astype(np.float32),
        mode="markers",
        name="actual",
        marker={"color": VERMILLION, "symbol": "x", "size": 10},
    )
    if other is not None:
        figure.add_scatter(
            x=milliseconds(times),
            y=other.astype(np.float32),
            mode="markers",
            name="what-if forecast",
            marker={"color": GREEN, "symbol": "diamond", "size": 10},
        )
    return figure
