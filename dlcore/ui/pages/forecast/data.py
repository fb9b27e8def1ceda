"""Data panel of the forecast page: variables over time, missing values, seasonality and correlations."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.data.series import tables
from dlcore.data.series.air_quality import WORDS
from dlcore.data.series.tables import HOUR_MS, Table
from dlcore.data.sources import locate as sources
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import forecast as plots
from dlcore.plots.series import autocorrelation
from dlcore.projects.forecast import windows
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Run
from dlcore.ui.custom_data.picker import choose_dataset
from dlcore.ui.pages.forecast.reading import load_table, moment_name
from dlcore.ui.widgets.figure import show_figure

LAGS = 192
DAY, WEEK = 24, 168


def data(project: Project, run: Run | None) -> None:
    """Choose a dataset and a variable; draws its values, missing values, seasonality and correlations."""
    config = choose_dataset(project, run, "table")
    dataset = config.dataset
    table, about = load_table(config), sources.get_dataset(dataset)
    origin = f"[UCI]({about.homepage}), license {about.license}." if about.homepage else "Your own."
    st.markdown(
        f"**{about.title}**: {len(table.times):,} rows of {len(table.names)} variables, from "
        f"{moment_name(int(table.times[0]))} to {moment_name(int(table.times[-1]))}. {origin}"
    )
    variable = st.selectbox(
        "Variable",
        range(len(table.names)),
        key=f"variable-of-{dataset}",
        bind="query-params",
        format_func=lambda v: title(table, v),
    )
    marks = split_marks(table, config)
    _over_time(table, variable, marks)
    _missing_values(table, marks)
    filled = tables.forward_fill(table.values, np.nanmean(table.values, axis=0))[:, variable]
    _seasonality(table, filled)
    if table.step_ms == HOUR_MS:
        _profiles(table, variable)
    if len(table.names) > 1:
        _correlations(table)


def title(table: Table, variable: int) -> str:
    """Return a variable's name with description and unit."""
    name, unit = table.names[variable], table.units[variable]
    word = f", {WORDS[name]}" if name in WORDS else ""
    return f"{name}{word}" + (f" ({unit})" if unit else "")


def split_marks(table: Table, config: RunConfig) -> dict[str, int]:
    """Return the start of the test split, epoch milliseconds."""
    share = float(config.flat["test_share"])
    return {"test": int(table.times[int(len(table.times) * (1 - share))])}


def _over_time(table: Table, variable: int, marks: dict[str, int]) -> None:
    figure = plots.table_over_time(
        table.times,
        table.values[:, variable],
        title=table.names[variable],
        unit=table.units[variable] or "value",
        marks=marks,
    )
    show_figure(figure, key="table-over-time", alt=f"{title(table, variable)} over time")
    st.caption(
        "Models train on the part before the dashed line and are scored on the part after it. Splits are separated "
        "by a gap of one window, so that no row is in two of them."
    )


def _missing_values(table: Table, marks: dict[str, int]) -> None:
    observed = table.observed
    if observed.all():
        st.caption("This table has no missing values.")
        return
    figure = plots.missing_map(table.times, observed, table.names)
    worst = int(observed.mean(axis=0).argmin())
    show_figure(
        figure,
        key="missing-map",
        alt=f"Map of missing values; least measured is {table.names[worst]} with "
        f"{format_percent(observed[:, worst].mean(), digits=0)}",
    )
    test = table.times >= marks["test"]
    writes = " (the file writes -200)" if table.title == "Air quality" else ""
    empty = [name for v, name in enumerate(table.names) if not observed[test, v].any()]
    st.caption(
        f"{format_percent(1 - observed.mean())} of all values are missing{writes}. Model inputs are filled forward "
        "with the last measured value; filled values are never scored. Nothing is interpolated, "
        "since that would leak later values. "
        + (
            f"**{', '.join(empty)}** has no values in the test split, so it is excluded from every mean."
            if empty
            else ""
        )
    )
    rows = pd.DataFrame(
        {
            "Variable": [title(table, v) for v in range(len(table.names))],
            "Measured": [f"{format_percent(share)}" for share in observed.mean(axis=0)],
            "Filled": [f"{int(n):,}" for n in (~observed).sum(axis=0)],
            "Longest gap (rows)": [_longest(~observed[:, v]) for v in range(len(table.names))],
            "Mean": [f"{m:.4g}" for m in np.nanmean(table.values, axis=0)],
            "Lowest": [f"{m:.4g}" for m in np.nanmin(table.values, axis=0)],
            "Highest": [f"{m:.4g}" for m in np.nanmax(table.values, axis=0)],
        }
    )
    with st.expander("Missing values per variable"):
        st.dataframe(rows, hide_index=True, width="stretch", alt="Share of measured and filled values per variable")


def _longest(missing: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.r_[0, missing.astype(np.int8), 0]))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _seasonality(table: Table, filled: np.ndarray) -> None:
    hours, step = table.step_ms / HOUR_MS, tables.step_name(table.step_ms)
    axis: tuple[float, str] = (hours, "hours") if step == "row" else (1.0, f"{step}s")
    lags = min(LAGS, len(filled) // 3)
    marks = {
        name: lag for name, lag in {"a day": round(24 / hours), "a week": round(168 / hours)}.items() if 1 < lag <= lags
    }
    left, right = st.columns(2)
    with left:
        figure = autocorrelation(filled, lags=lags, step=axis, marks=marks)
        show_figure(figure, key="table-acf", alt="Autocorrelation of the selected variable")
        st.caption(f"Correlation of the variable with itself, lag in {step}s.")
    with right:
        figure = plots.partial_autocorrelation(filled, lags=min(48, lags), step=axis)
        show_figure(figure, key="table-pacf", alt="Partial autocorrelation of the selected variable")
        st.caption(
            f"Correlation at each lag after removing shorter lags, in {step}s. If the first bar dominates, the last "
            f"{step} carries most information, and persistence is a strong baseline."
        )


def _profiles(table: Table, variable: int) -> None:
    calendar = windows.calendar_features(table.times)
    hour, day = calendar[:, :24].argmax(axis=1), calendar[:, 24:].argmax(axis=1)
    left, right = st.columns(2)
    for place, slots, count, name in ((left, hour, DAY, "day"), (right, day * 24 + hour, WEEK, "week")):
        low, middle, high = _quartiles(table.values[:, variable], slots, count)
        with place:
            figure = plots.profile(
                middle,
                low,
                high,
                weekly=count == WEEK,
                title=f"Profile by {name}",
                unit=table.units[variable] or "value",
            )
            show_figure(figure, key=f"profile-{name}", alt=f"Median course of a {name}, with the interquartile range")


def _quartiles(values: np.ndarray, slots: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    quartiles = np.full((3, count), np.nan)
    for slot in range(count):
        in_slot = values[slots == slot]
        in_slot = in_slot[~np.isnan(in_slot)]
        if len(in_slot):
            quartiles[:, slot] = np.quantile(in_slot, [0.25, 0.5, 0.75])
    return quartiles[0], quartiles[1], quartiles[2]


def _correlations(table: Table) -> None:
    figure = plots.correlations(table.values, table.names)
    show_figure(figure, key="table-correlations", alt="Correlation of all pairs of variables")
    st.caption(
        "Over rows in which both were measured. A model of all variables can use correlated sensors to replace "
        "one that fails."
    )
