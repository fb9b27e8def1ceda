"""Data of the anomaly page: the series, its labelled windows, and what it looks like before any model."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.data import sources
from dlcore.data.series import DAY_MS, Series, load_nyc_taxi, split_ends
from dlcore.plots import series as plots
from dlcore.projects.project import Project, RunConfig
from dlcore.runs import Run
from dlcore.ui import style
from dlcore.ui.figure import show_figure

UNIT = "passengers in half an hour"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def data(project: Project, run: Run | None) -> None:
    """The series over time, its labelled windows, summary figures, spread and rhythm."""
    series = taxi()
    config = run.config if run is not None else projects.configure(project.slug)
    marks = split_marks(series, config)
    _over_time(series, marks)
    _windows(series, marks)
    _summary(series)
    left, right = st.columns(2)
    with left:
        _box(series)
    with right:
        _histogram(series)
    _rhythm(series)


@st.cache_resource(max_entries=1, show_spinner=False)
def taxi() -> Series:
    """The taxi series, read once for all sessions."""
    return load_nyc_taxi()


def split_marks(series: Series, config: RunConfig) -> dict[str, int]:
    """When the validation and the test part of a run begin, epoch milliseconds."""
    options = projects.data_config(config).model_dump()
    ends = split_ends(
        len(series.times), train_share=options["train_share"], validation_share=options["validation_share"]
    )
    return {"validation begins": int(series.times[ends[0]]), "test begins": int(series.times[ends[1]])}


def day(moment: int) -> str:
    """Epoch milliseconds as a day and a time that people read."""
    return pd.Timestamp(moment, unit="ms").strftime("%a %d %b %Y, %H:%M")


def window_tuples(series: Series) -> list[plots.Window]:
    """The labelled windows as the plots take them."""
    return [(window.start, window.end, window.name) for window in series.windows]


def _over_time(series: Series, marks: dict[str, int]) -> None:
    source = sources.DATASETS["nyc_taxi"]
    st.markdown(
        f"**{source.title}**: {len(series.values):,} counts, one every {series.step_ms // 60000} minutes, from "
        f"{day(int(series.times[0]))} to {day(int(series.times[-1]))}. "
        f"[Numenta Anomaly Benchmark]({source.homepage}), licence {source.licence}."
    )
    figure = plots.series_over_time(
        series.times,
        series.values,
        title="Taxi passengers over time",
        unit=UNIT,
        windows=window_tuples(series),
        marks=marks,
    )
    names = ", ".join(window.name for window in series.windows)
    show_figure(
        figure, key="series", alt=f"Taxi passengers over time with {len(series.windows)} labelled windows: {names}"
    )
    st.caption(
        "The model learns from the part before the first dashed line, the threshold is set between the lines, and all "
        "scores come from the part after the second. Shaded and numbered: what people marked as out of the ordinary."
    )


def _windows(series: Series, marks: dict[str, int]) -> None:
    first, second = marks.values()
    parts = [
        "train" if window.start < first else "validation" if window.start < second else "test"
        for window in series.windows
    ]
    table = pd.DataFrame(
        {
            "No.": range(1, len(series.windows) + 1),
            "What happened": [window.name[0].upper() + window.name[1:] for window in series.windows],
            "From": [day(window.start) for window in series.windows],
            "To": [day(window.end) for window in series.windows],
            "Points": [int(((series.times >= w.start) & (series.times <= w.end)).sum()) for w in series.windows],
            "Part": parts,
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="The labelled windows of the series")


def _summary(series: Series) -> None:
    st.subheader("In figures", anchor=False)
    values = series.values
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    rows = {
        "Mean": values.mean(), "Standard deviation": values.std(ddof=1), "Lowest": values.min(),
        "A quarter lies below": low, "Half lies below (median)": middle, "Three quarters lie below": high,
        "Highest": values.max(),
    }  # fmt: skip
    style.facts((name, f"{value:,.2f}".removesuffix(".00"), "") for name, value in rows.items())
    st.caption(f"All in {UNIT}, over the whole series. The standard deviation is the usual distance from the mean.")


def _box(series: Series) -> None:
    weekday = np.array(DAYS)[(series.times // DAY_MS + 3) % 7]
    order = np.argsort((series.times // DAY_MS + 3) % 7, kind="stable")
    values = np.concatenate([series.values, series.values[order]])
    by = np.concatenate([np.full(len(series.values), "all"), weekday[order]])
    figure = plots.box_plot(values, title="Spread, in all and by day of the week", unit=UNIT, by=by)
    show_figure(figure, key="box", alt="Box plots of the counts, for all days and for each day of the week")
    st.caption(
        "The box holds the middle half, the line in it is the median, the whiskers reach the last value within one and "
        "a half box heights; the dashed line is the mean."
    )


def _histogram(series: Series) -> None:
    figure = plots.histogram_by_range(series.values, title="How often each range of values comes", unit=UNIT)
    show_figure(figure, key="histogram", alt="Histogram of the counts in twenty equal ranges")
    st.caption("Two hills: nights on the left, days on the right.")


def _rhythm(series: Series) -> None:
    per_day = DAY_MS // series.step_ms
    figure = plots.autocorrelation(
        series.values, lags=7 * per_day + per_day, step_hours=series.step_ms / 3_600_000,
        marks={"a day": per_day, "a week": 7 * per_day},
    )  # fmt: skip
    found = plots.correlation_by_lag(series.values, 7 * per_day)
    show_figure(
        figure, key="autocorrelation",
        alt=f"Autocorrelation: {found[per_day]:.2f} after a day, {found[7 * per_day]:.2f} after a week",
    )  # fmt: skip
    st.caption(
        f"The series resembles itself a day later ({found[per_day]:.2f}) and most of all a week later "
        f"({found[7 * per_day]:.2f}); 1 would be a perfect copy, 0 no likeness. That rhythm is what the models learn. "
        "The grey band is what pure noise would stay within."
    )
