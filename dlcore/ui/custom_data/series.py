"""A series of one's own: a CSV handed in, its columns chosen and every row checked before it is kept."""

from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from dlcore.data.custom import series as series_intake
from dlcore.data.custom.series import ValidatedSeries
from dlcore.data.series import window_file as series_windows
from dlcore.data.series.csv_file import Columns
from dlcore.plots.series import series_over_time
from dlcore.ui.custom_data import upload_form
from dlcore.ui.shell import style
from dlcore.ui.widgets.figure import show_figure

NONE = "none"


def show_form() -> None:
    """The form that takes a CSV in; the page is drawn anew once it is kept."""
    upload_form.show_form(
        "series",
        icon=":material/add_chart:",
        about="A CSV with a time and a value column, evenly spaced. It is checked here, kept on this machine under a "
        "name you choose, and can then be trained on like any dataset. Labels are optional: without them a model "
        "still raises alarms, but nobody can say how many are right.",
        look=_looked_at,
        preview=_preview,
        keep=lambda name, intake, source: series_intake.save(name, intake, source=source),
    )


def _looked_at(file: UploadedFile) -> ValidatedSeries:
    """Guess the columns, let them be changed, and check every row."""
    sheet = upload_form.sheet(file)
    guess = sheet.guess()
    names = list(sheet.columns)
    time, value, label = st.columns(3)
    chosen = Columns(
        time.selectbox("Time column", names, index=names.index(guess.time), key=f"own-time-{file.file_id}"),
        value.selectbox("Value column", names, index=names.index(guess.value), key=f"own-value-{file.file_id}"),
        _label(label, names, guess, file),
    )
    windows = None
    if not chosen.label:
        windows = st.file_uploader(
            "Labelled windows, if you have some (CSV or JSON of start, end, name)",
            type=["csv", "json"],
            key="own-series-windows",
            max_upload_size=series_windows.BYTES_LIMIT // 2**20,
        )
    with st.spinner("Checking every row"):
        found = _judged(
            file.file_id,
            chosen,
            windows.file_id if windows else "",
            _sheet=sheet,
            _windows=windows.getvalue() if windows else None,
        )
    period = st.number_input(
        "Period (points)",
        0,
        len(found.series.values) // 2,
        found.guessed,
        1,
        key=f"own-period-{file.file_id}",
        help="After so many points the series resembles itself most: a week of half-hours is 336. Simple methods and "
        "the usual error of each time go by it. 0: none.",
    )
    st.caption(_rhythm(found, int(period)))
    return series_intake.with_period(found, int(period))


def _label(place: Any, names: list[str], guess: Columns, file: UploadedFile) -> str:
    options = [NONE, *names]
    index = options.index(guess.label) if guess.label else 0
    chosen = place.selectbox(
        "Label column",
        options,
        index=index,
        key=f"own-label-{file.file_id}",
        help="1 where something was out of the ordinary, 0 elsewhere.",
    )
    return "" if chosen == NONE else str(chosen)


def _rhythm(found: ValidatedSeries, period: int) -> str:
    if not period:
        return "No rhythm: the usual is the same at all times." if found.guessed else "No rhythm was found in it."
    said = f"It repeats after {format_span(period * found.series.step_ms)}"
    return f"{said}, as its autocorrelation suggests." if period == found.guessed else f"{said}, as you say."


def _preview(intake: ValidatedSeries) -> None:
    series = intake.series
    style.summary_row(
        [
            ("Points", f"{len(series.values):,}", ""),
            ("Step", format_span(series.step_ms), ""),
            ("From", _day(int(series.times[0])), ""),
            ("To", _day(int(series.times[-1])), ""),
            ("Labelled windows", f"{len(series.windows):,}", f"{series.labels.mean():.1%} of the points"),
        ]
    )
    windows = [(window.start, window.end, window.name) for window in series.windows]
    figure = series_over_time(
        series.times, series.values, title="What will be kept", unit=intake.columns.value, windows=windows
    )
    figure.update_layout(height=260)
    show_figure(figure, key="own-preview", alt=f"The {len(series.values):,} points of the file over time")


def format_span(milliseconds: float) -> str:
    """A stretch of time in the unit that people would use."""
    for unit, size in (("week", 604_800_000), ("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)):
        if milliseconds >= size:
            count = milliseconds / size
            return f"1 {unit}" if count == 1 else f"{count:.4g} {unit}s"
    return f"{milliseconds / 1000:g} seconds"


@st.cache_resource(max_entries=4, show_spinner=False)
def _judged(file_id: str, columns: Columns, windows_id: str, _sheet: Any, _windows: bytes | None) -> ValidatedSeries:
    found: ValidatedSeries = series_intake.validate_sheet(_sheet, columns=columns, windows=_windows)
    return found


def _day(moment: int) -> str:
    import pandas as pd

    return pd.Timestamp(moment, unit="ms").strftime("%d %b %Y, %H:%M")
