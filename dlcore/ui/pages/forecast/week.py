"""Main picture of the forecast page: a week of forecasts of one variable with their interval, and measurements."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.data.series import tables
from dlcore.data.series.air_quality import WORDS
from dlcore.data.series.tables import HOUR_MS
from dlcore.plots import forecast as plots
from dlcore.plots import svg
from dlcore.plots.palette import BLUE, VERMILLION
from dlcore.projects.forecast import scores
from dlcore.runs import Bundle
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

HEIGHT = 340
ROWS_IN_WEEK, LEAST_ROWS = 168, 24


@dataclass(frozen=True)
class Week:
    """One variable at times (n,): forecast one step ahead, half width of its 90 % interval, measurement."""

    name: str
    unit: str
    times: np.ndarray
    forecast: np.ndarray
    width: np.ndarray
    actual: np.ndarray


@fragment
def show_week(bundle: Bundle) -> None:
    """Draw the chart, and below it the pickers of variable and week."""
    stored, known = run_cache.predictions(bundle), bundle.preprocessing
    rows = rows_in_week(int(known.get("step_ms") or HOUR_MS))
    chart, pickers = st.container(), st.container()
    with pickers:
        left, right = st.columns([2, 3])
        measured = np.isfinite(stored["test_targets"][:, 0]).any(axis=0)
        variable = left.selectbox(
            "Variable",
            np.flatnonzero(measured).tolist() or [0],
            key="week-variable",
            bind="query-params",
            format_func=lambda v: _title(known["names"][v], known["units"][v]),
        )
        start = _pick_start(right, stored["test_ids"], rows)
    week = select_week(stored, _widths(run_cache.bundle_key(bundle), _stored=stored), known, variable, start, rows)
    step = tables.step_name(known.get("step_ms"))
    alt = f"{week.name}: forecast one {step} ahead with its 90 % interval, and measurements"
    with chart, main_picture(first_frame(week), alt=alt, height=HEIGHT):
        figure = plots.forecast_week(
            (week.times, week.forecast, week.width),
            week.actual,
            title=f"{week.name}: forecast one {step} ahead",
            unit=week.unit,
            height=HEIGHT,
        )
        show_figure(figure, key="week", alt=alt)


def rows_in_week(step_ms: int) -> int:
    """Return the number of rows of the chart: those of a week, at least 24."""
    return max(LEAST_ROWS, min(ROWS_IN_WEEK, round(ROWS_IN_WEEK * HOUR_MS / step_ms)))


def select_week(
    stored: Mapping[str, np.ndarray],
    widths: np.ndarray,
    known: Mapping[str, Any],
    variable: int,
    start: int,
    rows: int,
) -> Week:
    """Return `rows` rows of a variable from row `start` of the test split on; widths (N, H, V)."""
    part = slice(start, start + rows)
    name, unit = known["names"][variable], known["units"][variable]
    times, forecast, actual = (
        stored["test_ids"][part],
        stored["test_scores"][part, 0, variable],
        stored["test_targets"][part, 0, variable],
    )
    return Week(_title(name, ""), unit or "value", times, forecast, widths[part, 0, variable], actual)


def first_frame(week: Week) -> str:
    """Return the chart as SVG."""
    low, high = week.forecast - week.width, week.forecast + week.width
    known = np.concatenate([x[np.isfinite(x)] for x in (low, high, week.forecast, week.actual)])
    if not len(known):
        return ""
    margin = 0.06 * ((known.max() - known.min()) or 1.0)
    times = week.times.astype(np.float64)
    places = np.linspace(0, len(times) - 1, min(8, len(times))).astype(int)[:-1]
    ticks = [(float(times[place]), f"{pd.Timestamp(int(times[place]), unit='ms'):%d %b}") for place in places]
    return svg.line_chart(
        [
            svg.Line(week.forecast, times, BLUE, "forecast, 90 % interval"),
            svg.Line(week.actual, times, VERMILLION, "measured", dash="2 3"),
        ],
        svg.Axes(float(known.min() - margin), float(known.max() + margin), x_ticks=ticks),
        height=HEIGHT,
        band=(low, high),
    )


def _pick_start(place: Any, times: np.ndarray, rows: int) -> int:
    """Return the first row of the chosen week; initially the middle one."""
    starts = list(range(0, max(1, len(times) - rows + 1), rows))
    if len(starts) < 2:
        return 0
    start: int = place.select_slider(
        "Week from",
        starts,
        value=starts[len(starts) // 2],
        key="week-start",
        bind="query-params",
        format_func=lambda row: f"{pd.Timestamp(int(times[row]), unit='ms'):%d %b %Y}",
    )
    return start


def _title(name: str, unit: str) -> str:
    word = f", {WORDS[name]}" if name in WORDS else ""
    return f"{name}{word}" + (f" ({unit})" if unit else "")


@cache_resource(max_entries=8, show_spinner=False)
def _widths(key: str, _stored: Any) -> np.ndarray:
    return scores.intervals(_stored).adaptive
