"""Data of the forecast page: every variable over time, what is missing, and what it looks like before any model."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.data.custom import registry as custom
from dlcore.data.series import tables
from dlcore.data.series.air_quality import WORDS
from dlcore.data.series.tables import HOUR_MS, Table
from dlcore.data.sources import locate as sources
from dlcore.plots import forecast as plots
from dlcore.plots.series import autocorrelation
from dlcore.projects.forecast import windows
from dlcore.projects.project import Project, RunConfig
from dlcore.runs import Run
from dlcore.ui.custom_data import form
from dlcore.ui.pages.forecast.reading import load_table, moment_name
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets.figure import show_figure

LAGS = 192
DAY, WEEK = 24, 168


def data(project: Project, run: Run | None) -> None:
    """Choose a dataset and a variable; see it over time, its holes, its rhythm, and what it hangs together with."""
    used = run.config.dataset if run else projects.configure(project.slug).dataset
    options = list(dict.fromkeys([used, *projects.list_datasets(project.slug)]))
    key, kept = f"table-of-{run.run_id if run else project.slug}", form.pop_added("table")
    if kept:
        st.session_state[key] = st.session_state[f"dataset-{project.slug}"] = kept
    elif st.session_state.get(key) not in options:
        st.session_state[key] = used
    chosen = st.selectbox("Dataset to look at", options, key=key, format_func=dataset_title)
    if kept:
        st.success("Saved and selected under **Train**.", icon=":material/check_circle:")
    form.show_form("table")
    config = run.config if run and chosen == used else projects.configure(project.slug, dataset=chosen)
    table, about = load_table(config), sources.get_dataset(chosen)
    origin = f"[UCI]({about.homepage}), license {about.license}." if about.homepage else "Your own."
    st.markdown(
        f"**{about.title}**: {len(table.times):,} rows of {len(table.names)} variables, from "
        f"{moment_name(int(table.times[0]))} to {moment_name(int(table.times[-1]))}. {origin}"
    )
    if (entry := custom.find(chosen) if custom.is_custom(chosen) else None) is not None:
        form.show_remove(entry)
    variable = st.selectbox(
        "Variable", range(len(table.names)), key=f"variable-of-{chosen}", format_func=lambda v: title(table, v)
    )
    marks = split_marks(table, config)
    _over_time(table, variable, marks)
    _holes(table, marks)
    filled = tables.forward_fill(table.values, np.nanmean(table.values, axis=0))[:, variable]
    _rhythm(table, filled)
    if table.step_ms == HOUR_MS:
        _profiles(table, variable)
    if len(table.names) > 1:
        _correlations(table)


def title(table: Table, variable: int) -> str:
    """A variable's name with what it is and its unit."""
    name, unit = table.names[variable], table.units[variable]
    word = f", {WORDS[name]}" if name in WORDS else ""
    return f"{name}{word}" + (f" ({unit})" if unit else "")


def split_marks(table: Table, config: RunConfig) -> dict[str, int]:
    """When the test part begins, epoch milliseconds."""
    share = float(projects.data_config(config).model_dump()["test_share"])
    return {"test begins": int(table.times[int(len(table.times) * (1 - share))])}


def _over_time(table: Table, variable: int, marks: dict[str, int]) -> None:
    figure = plots.table_over_time(
        table.times,
        table.values[:, variable],
        title=table.names[variable],
        unit=table.units[variable] or "value",
        marks=marks,
    )
    show_figure(figure, key="table-over-time", alt=f"{title(table, variable)} over time, where it was measured")
    st.caption(
        "Models learn from what is before the dashed line and are scored on what comes after it. Between two parts "
        "lies a gap as long as a window, so that no row is in both."
    )


def _holes(table: Table, marks: dict[str, int]) -> None:
    observed = table.observed
    if observed.all():
        st.caption("Nothing is missing in this table.")
        return
    figure = plots.missing_map(table.times, observed, table.names)
    worst = int(observed.mean(axis=0).argmin())
    show_figure(
        figure,
        key="missing-map",
        alt=f"Map of what was measured; least is {table.names[worst]} with {observed[:, worst].mean():.0%}",
    )
    test = table.times >= marks["test begins"]
    writes = " (the file writes -200)" if table.title == "Air quality" else ""
    empty = [name for v, name in enumerate(table.names) if not observed[test, v].any()]
    st.caption(
        f"{1 - observed.mean():.1%} of all values are missing{writes}. Each hole is filled with the "
        "last value measured before it, for inputs alone: no score counts a filled value, and nothing is interpolated, "
        "since that would tell what comes after the hole. "
        + (
            f"**{', '.join(empty)}** is never measured in the test part, so it is kept out of every mean."
            if empty
            else ""
        )
    )
    rows = pd.DataFrame(
        {
            "Variable": [title(table, v) for v in range(len(table.names))],
            "Measured": [f"{share:.1%}" for share in observed.mean(axis=0)],
            "Filled": [f"{int(n):,}" for n in (~observed).sum(axis=0)],
            "Longest hole (rows)": [_longest(~observed[:, v]) for v in range(len(table.names))],
            "Mean": [f"{m:.4g}" for m in np.nanmean(table.values, axis=0)],
            "Lowest": [f"{m:.4g}" for m in np.nanmin(table.values, axis=0)],
            "Highest": [f"{m:.4g}" for m in np.nanmax(table.values, axis=0)],
        }
    )
    with st.expander("How much of each variable is filled"):
        st.dataframe(rows, hide_index=True, width="stretch", alt="How much of each variable was measured and filled")


def _longest(missing: np.ndarray) -> int:
    edges = np.flatnonzero(np.diff(np.r_[0, missing.astype(np.int8), 0]))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _rhythm(table: Table, filled: np.ndarray) -> None:
    hours, step = table.step_ms / HOUR_MS, tables.step_name(table.step_ms)
    axis: tuple[float, str] = (hours, "hours") if step == "row" else (1.0, f"{step}s")
    lags = min(LAGS, len(filled) // 3)
    marks = {
        name: lag for name, lag in {"a day": round(24 / hours), "a week": round(168 / hours)}.items() if 1 < lag <= lags
    }
    left, right = st.columns(2)
    with left:
        figure = autocorrelation(filled, lags=lags, step=axis, marks=marks)
        show_figure(figure, key="table-acf", alt="Autocorrelation of the chosen variable")
        st.caption(f"How much the variable resembles itself some {step}s later: 1 is a perfect copy.")
    with right:
        figure = plots.partial_autocorrelation(filled, lags=min(48, lags), step=axis)
        show_figure(figure, key="table-pacf", alt="Partial autocorrelation of the chosen variable")
        st.caption(
            f"What an earlier {step} still tells once those between are known. Where the first bar towers, the last "
            f"{step} knows most, which is why copying it is so hard to beat."
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
                title=f"The usual {name}",
                unit=table.units[variable] or "value",
            )
            show_figure(
                figure, key=f"profile-{name}", alt=f"Median course of a {name}, with the middle half of all hours"
            )


def _quartiles(values: np.ndarray, slots: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = np.full((3, count), np.nan)
    for slot in range(count):
        here = values[slots == slot]
        here = here[~np.isnan(here)]
        if len(here):
            found[:, slot] = np.quantile(here, [0.25, 0.5, 0.75])
    return found[0], found[1], found[2]


def _correlations(table: Table) -> None:
    figure = plots.correlations(table.values, table.names)
    show_figure(figure, key="table-correlations", alt="Correlation of each two variables")
    st.caption(
        "Over the rows in which both were measured. Readings that hang together closely can stand in for each other "
        "when one of them fails, which is what a model of all variables at once can use."
    )
