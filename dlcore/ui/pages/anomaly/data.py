"""Data of the anomaly page: the series, its labelled windows, and what it looks like before any model."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects
from dlcore.data.custom import registry as custom
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.series import DAY_MS, Series, load, split_ends
from dlcore.data.sources import locate as sources
from dlcore.plots import series as plots
from dlcore.projects.project import Project, RunConfig
from dlcore.runs import Run
from dlcore.ui.custom_data import form
from dlcore.ui.shell import style
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets.figure import show_figure

UNIT = "passengers in half an hour"
LEAST_LAGS = 48
NEWEST = "custom-series-newest"
"""Where the session keeps the name of the dataset that was added last."""
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def data(project: Project, run: Run | None) -> None:
    """The series over time, its labelled windows, summary figures, spread and rhythm; and a way to bring one's own."""
    config = _chosen(project, run)
    series, unit = series_of(config), unit_of(config)
    marks = split_marks(series, config)
    _over_time(series, marks, config)
    if series.windows:
        _windows(series, marks)
    _summary(series, unit)
    left, right = st.columns(2)
    with left:
        _box(series, unit)
    with right:
        _histogram(series, unit)
    _rhythm(series)


def _chosen(project: Project, run: Run | None) -> RunConfig:
    """The run's dataset, or another that was chosen to be looked at, as a new run would take it."""
    kept = form.pop_added("series")
    key = f"data-of-{run.run_id if run else project.slug}"
    used = run.config.dataset if run else projects.configure(project.slug).dataset
    known = projects.list_datasets(project.slug)
    options = known if used in known else [used, *known]
    if kept:
        st.session_state[key] = st.session_state[f"dataset-{project.slug}"] = st.session_state[NEWEST] = kept
    elif st.session_state.get(key) not in options:
        st.session_state[key] = used
    chosen: str = st.selectbox("Dataset to look at", options, key=key, format_func=dataset_title)
    if chosen == st.session_state.get(NEWEST):
        st.success(
            f"“{custom.plain_name(chosen)}” is saved and selected under **Train**.",
            icon=":material/check_circle:",
        )
    form.show_form("series")
    return run.config if run and chosen == used else projects.configure(project.slug, dataset=chosen)


def taxi() -> Series:
    """The taxi series, read once for all sessions."""
    return _series("nyc_taxi", "")


def series_of(config: RunConfig) -> Series:
    """The very series that a run was made from, read once for all sessions.

    Raises:
        DataError: it is not here, or not what it was.
    """
    return _series(config.dataset, config.data_checksum)


@st.cache_resource(max_entries=4, show_spinner="Reading the series")
def _series(dataset: str, checksum: str) -> Series:
    return load(dataset, checksum=checksum)


def unit_of(config: RunConfig) -> str:
    """What the values of a run's series are, in words: of one's own, the name of their column."""
    if not custom.is_custom(config.dataset):
        return UNIT
    entry = custom.find(config.dataset)
    return str(entry.facts["columns"]["value"]) if entry else "value"


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


def plausible_tuples(series: Series) -> list[plots.Window]:
    """The spans known to be out of the ordinary that carry no label, as the plots take them."""
    return [(window.start, window.end, window.name) for window in series.unlabelled]


def _over_time(series: Series, marks: dict[str, int], config: RunConfig) -> None:
    about = sources.get_dataset(config.dataset)
    span = f"from {day(int(series.times[0]))} to {day(int(series.times[-1]))}"
    st.markdown(
        f"**{about.title}**: {len(series.values):,} values {format_duration(series.step_ms)} apart, {span}. "
        + _origin(config)
    )
    entry = custom.find(config.dataset) if about.is_custom else None
    if entry is not None:
        form.show_remove(entry)
    figure = plots.series_over_time(
        series.times,
        series.values,
        title=f"{'Taxi passengers' if series.unlabelled else about.title} over time",
        unit=unit_of(config),
        windows=window_tuples(series),
        plausible=plausible_tuples(series),
        marks=marks,
    )
    names = ", ".join(window.name for window in series.windows[: plots.NUMBERED]) or "none"
    show_figure(figure, key="series", alt=f"The series over time with {len(series.windows)} labelled windows: {names}")
    st.caption(
        "The model learns from the part before the first dashed line, the threshold is set between the lines, and the "
        "scores on test come from the part after the second. "
        + (
            "Shaded: what people marked as out of the ordinary."
            if series.windows
            else "It carries no labels: alarms can be counted, but nobody can say how many are right."
        )
    )
    if series.unlabelled:
        listed = "; ".join(
            f"{letter} {window.name}, {pd.Timestamp(window.start, unit='ms').strftime('%d %b %Y').lstrip('0')}"
            for letter, window in zip("abcdefgh", series.unlabelled, strict=False)
        )
        st.caption(
            f"**Not labelled, plausible** ({listed}): public holidays that the benchmark does not mark. An alarm there "
            "counts as false in the published scores, though a person would call it right; such alarms are counted "
            "apart."
        )


def _origin(config: RunConfig) -> str:
    """Where the series is from."""
    about = sources.get_dataset(config.dataset)
    entry = custom.find(config.dataset) if about.is_custom else None
    if entry is None:
        return f"[Numenta Anomaly Benchmark]({about.homepage}), license {about.license}."
    return f"Your own, from `{entry.source.replace('`', '')}`; sha256 `{entry.checksum[:12]}…`."


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
            "Points": _points(series),
            "Part": parts,
        }
    )
    st.dataframe(table, hide_index=True, width="stretch", alt="The labelled windows of the series")


def _points(series: Series) -> np.ndarray:
    """How many points each labelled window holds."""
    first = np.searchsorted(series.times, [window.start for window in series.windows])
    last = np.searchsorted(series.times, [window.end for window in series.windows], side="right")
    return last - first


def _summary(series: Series, unit: str) -> None:
    st.subheader("In figures", anchor=False)
    values = series.values
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    rows = {
        "Mean": values.mean(),
        "Standard deviation": values.std(ddof=1),
        "Lowest": values.min(),
        "A quarter lies below": low,
        "Half lies below (median)": middle,
        "Three quarters lie below": high,
        "Highest": values.max(),
    }
    style.summary_row((name, f"{value:,.2f}".removesuffix(".00"), "") for name, value in rows.items())
    st.caption(f"All in {unit}, over the whole series. The standard deviation is the usual distance from the mean.")


def _box(series: Series, unit: str) -> None:
    weekday = np.array(DAYS)[(series.times // DAY_MS + 3) % 7]
    order = np.argsort((series.times // DAY_MS + 3) % 7, kind="stable")
    values = np.concatenate([series.values, series.values[order]])
    by = np.concatenate([np.full(len(series.values), "all"), weekday[order]])
    figure = plots.box_plot(values, title="Spread, in all and by day of the week", unit=unit, by=by)
    show_figure(figure, key="box", alt="Box plots of the values, for all days and for each day of the week")
    st.caption(
        "The box holds the middle half, the line in it is the median, the whiskers reach the last value within one and "
        "a half box heights; the dashed line is the mean."
    )


def _histogram(series: Series, unit: str) -> None:
    figure = plots.histogram_by_range(series.values, title="How often each range of values comes", unit=unit)
    show_figure(figure, key="histogram", alt="Histogram of the values in twenty equal ranges")
    st.caption(
        "Two hills: nights on the left, days on the right."
        if series.unlabelled
        else "Each bar counts the values in one of twenty equally wide ranges."
    )


def _rhythm(series: Series) -> None:
    spans = {"a day": DAY_MS / series.step_ms, "a week": 7 * DAY_MS / series.step_ms}
    named = {name: int(lag) for name, lag in spans.items() if lag >= 2 and lag == int(lag)}
    if series.period and series.period not in named.values():
        named["its period"] = series.period
    room = len(series.values) // 2
    lags = min(room, round(max([*named.values(), LEAST_LAGS]) * 8 / 7))
    marks = {name: lag for name, lag in named.items() if lag <= lags}
    figure = plots.autocorrelation(series.values, lags=lags, step=(series.step_ms / 3_600_000, "hours"), marks=marks)
    found = plots.correlation_by_lag(series.values, lags)
    said = ", ".join(f"{found[lag]:.2f} after {name}" for name, lag in marks.items()) or "no day or week fits in it"
    show_figure(figure, key="autocorrelation", alt=f"Autocorrelation: {said}")
    usual = (
        f"It repeats best after {format_duration(series.period * series.step_ms)} ({series.period:,} points): "
        "that "
        "rhythm is what the models learn and what simple methods go by."
        if series.period
        else "No rhythm stands out, so the usual is taken to be the same at all times."
    )
    st.caption(
        f"How much the series resembles itself some time later: {said}; 1 would be a perfect copy, 0 no likeness. "
        f"{usual} The grey band is what pure noise would stay within."
    )
