"""Data panel of the anomaly page: the series, its labeled windows and summary statistics."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text
from dlcore.data.custom import registry as custom_registry
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.series import DAY_MS, Series, split_ends
from dlcore.data.series.tables import load_series
from dlcore.data.sources import locate as sources
from dlcore.plots import series as plots
from dlcore.projects.anomaly import custom_series
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Run
from dlcore.runs.views.threshold import unit_of
from dlcore.ui.custom_data.picker import choose_dataset
from dlcore.ui.shell import style
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.widgets.figure import show_figure

LEAST_LAGS = 48
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def data(project: Project, run: Run | None) -> None:
    """Draw the form to add a dataset, and the series, labeled windows, summary statistics, distribution and
    seasonality of the selected one.
    """
    config = choose_dataset(project, run, "series", "table")
    series, unit = series_of(config), unit_of(config)
    marks = split_marks(series, config)
    _over_time(series, marks, config)
    show_default_detector(config)
    if series.windows:
        _windows(series, marks)
    _summary(series, unit)
    left, right = st.columns(2)
    with left:
        _box(series, unit)
    with right:
        _histogram(series, unit)
    _seasonality(series)


def series_of(config: RunConfig) -> Series:
    """Return the series that a run was trained on, cached for all sessions.

    Raises:
        DataError: it is not available, or has changed.
    """
    return _series(config.dataset, config.data_checksum)


def find_series(config: RunConfig) -> Series | None:
    """Return the series of a run; None if it is not available, or has changed."""
    try:
        return series_of(config)
    except WorkbenchError:
        return None


@cache_resource(max_entries=4, show_spinner="Reading the series")
def _series(dataset: str, checksum: str) -> Series:
    return load_series(dataset, checksum=checksum)


def split_marks(series: Series, config: RunConfig) -> dict[str, int]:
    """Return the start of the validation and test splits, epoch milliseconds."""
    options = config.flat
    ends = split_ends(
        len(series.times), train_share=options["train_share"], validation_share=options["validation_share"]
    )
    return {"validation": int(series.times[ends[0]]), "test": int(series.times[ends[1]])}


def day(moment: int) -> str:
    """Format epoch milliseconds as day and time."""
    return pd.Timestamp(moment, unit="ms").strftime("%a %d %b %Y, %H:%M")


def window_tuples(series: Series) -> list[plots.Window]:
    """Return the labeled windows for the plots."""
    return [(window.start, window.end, window.name) for window in series.windows]


def plausible_tuples(series: Series) -> list[plots.Window]:
    """Return the unusual but unlabeled intervals for the plots."""
    return [(window.start, window.end, window.name) for window in series.unlabeled]


def _over_time(series: Series, marks: dict[str, int], config: RunConfig) -> None:
    about = sources.get_dataset(config.dataset)
    span = f"from {day(int(series.times[0]))} to {day(int(series.times[-1]))}"
    st.markdown(
        f"**{about.title}**: {len(series.values):,} values every {format_duration(series.step_ms)}, {span}. "
        + _origin(config)
    )
    figure = plots.series_over_time(
        series.times,
        series.values,
        title=f"{'Taxi passengers' if series.unlabeled else about.title} over time",
        unit=unit_of(config),
        windows=window_tuples(series),
        plausible=plausible_tuples(series),
        marks=marks,
    )
    names = ", ".join(window.name for window in series.windows[: plots.NUMBERED]) or "none"
    show_figure(figure, key="series", alt=f"The series over time with {len(series.windows)} labeled windows: {names}")
    st.caption(
        "Training uses the part before the first dashed line, the threshold the part between the lines, and the "
        "test scores the part after the second. "
        + (
            "Shaded: labeled anomalies."
            if series.windows
            else "It has no labels: alarms can be counted, but not verified."
        )
    )
    if series.unlabeled:
        listed = "; ".join(
            f"{letter} {window.name}, {pd.Timestamp(window.start, unit='ms').strftime('%d %b %Y').lstrip('0')}"
            for letter, window in zip("abcdefgh", series.unlabeled, strict=False)
        )
        st.caption(
            f"**Unlabeled but plausible** ({listed}): public holidays that the benchmark does not label. "
            "An alarm there "
            "counts as false in the published scores although it may be correct; such alarms are reported "
            "separately."
        )


def _origin(config: RunConfig) -> str:
    """Return the source of the series."""
    about = sources.get_dataset(config.dataset)
    entry = custom_registry.find(config.dataset) if about.is_custom else None
    if entry is None:
        return f"[Numenta Anomaly Benchmark]({about.homepage}), license {about.license}."
    return f"Custom dataset from {as_text(entry.source)}; sha256 `{entry.checksum[:12]}…`."


def _windows(series: Series, marks: dict[str, int]) -> None:
    first, second = marks.values()
    parts = [
        "train" if window.start < first else "validation" if window.start < second else "test"
        for window in series.windows
    ]
    table = pd.DataFrame(
        {
            "No.": range(1, len(series.windows) + 1),
            "Event": [window.name[0].upper() + window.name[1:] for window in series.windows],
            "From": [day(window.start) for window in series.windows],
            "To": [day(window.end) for window in series.windows],
            "Points": _points(series),
            "Part": parts,
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="Labeled windows of the series")


def _points(series: Series) -> np.ndarray:
    """Return the number of points in each labeled window."""
    first = np.searchsorted(series.times, [window.start for window in series.windows])
    last = np.searchsorted(series.times, [window.end for window in series.windows], side="right")
    return last - first


def _summary(series: Series, unit: str) -> None:
    st.subheader("Summary statistics", anchor=False)
    values = series.values
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    rows = {
        "Mean": values.mean(),
        "Standard deviation": values.std(ddof=1),
        "Lowest": values.min(),
        "25 % quantile": low,
        "Median": middle,
        "75 % quantile": high,
        "Highest": values.max(),
    }
    style.summary_row((name, f"{value:,.2f}".removesuffix(".00"), "") for name, value in rows.items())
    st.caption(f"In {unit}, over the whole series.")


def _box(series: Series, unit: str) -> None:
    weekday = np.array(DAYS)[(series.times // DAY_MS + 3) % 7]
    order = np.argsort((series.times // DAY_MS + 3) % 7, kind="stable")
    values = np.concatenate([series.values, series.values[order]])
    by = np.concatenate([np.full(len(series.values), "all"), weekday[order]])
    figure = plots.box_plot(values, title="Distribution, overall and by day of the week", unit=unit, by=by)
    show_figure(figure, key="box", alt="Box plots of the values, overall and by day of the week")
    st.caption("Box: quartiles; line: median; whiskers: last value within 1.5 box heights; dashed line: mean.")


def _histogram(series: Series, unit: str) -> None:
    figure = plots.histogram_by_range(series.values, title="Histogram", unit=unit)
    show_figure(figure, key="histogram", alt="Histogram of the values in twenty equal ranges")
    st.caption(
        "Two modes: nights on the left, days on the right."
        if series.unlabeled
        else "Each bar counts the values in one of twenty equal ranges."
    )


def _seasonality(series: Series) -> None:
    spans = {"a day": DAY_MS / series.step_ms, "a week": 7 * DAY_MS / series.step_ms}
    named = {name: int(lag) for name, lag in spans.items() if lag >= 2 and lag == int(lag)}
    if series.period and series.period not in named.values():
        named["its period"] = series.period
    room = len(series.values) // 2
    lags = min(room, round(max([*named.values(), LEAST_LAGS]) * 8 / 7))
    marks = {name: lag for name, lag in named.items() if lag <= lags}
    figure = plots.autocorrelation(series.values, lags=lags, step=(series.step_ms / 3_600_000, "hours"), marks=marks)
    correlations = plots.correlation_by_lag(series.values, lags)
    by_lag = (
        ", ".join(f"{correlations[lag]:.2f} after {name}" for name, lag in marks.items()) or "no day or week fits in it"
    )
    show_figure(figure, key="autocorrelation", alt=f"Autocorrelation: {by_lag}")
    period = (
        f"The strongest period is {format_duration(series.period * series.step_ms)} ({series.period:,} points): "
        "models and baselines use it."
        if series.period
        else "No period was found, so models and baselines assume none."
    )
    st.caption(
        f"Correlation of the series with itself at a lag: {by_lag}. {period} Gray band: 95 % range of white noise."
    )


def show_default_detector(config: RunConfig, *, only_if_used: bool = False) -> None:
    """Say how the default detector compares windows of a custom series, and why; `only_if_used`: by this run."""
    entry = custom_registry.find(config.dataset) if custom_registry.is_custom(config.dataset) else None
    if entry is None or entry.checksum != config.data_checksum:
        return
    choice = custom_series.choose_detector(entry)
    if not only_if_used or choice.settings.items() <= config.flat.items():
        st.caption(f"**Default detector**, chosen by the training part: {choice.reason}")
