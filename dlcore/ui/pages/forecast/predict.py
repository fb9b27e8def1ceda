"""Predict panel of the forecast page: the forecast of all variables at a chosen time, with a what-if temperature."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.series import tables
from dlcore.data.series.tables import HOUR_MS
from dlcore.data.splits import Prepared
from dlcore.data.tabular.read import SUFFIXES
from dlcore.plots import forecast as plots
from dlcore.projects.forecast import explain as why
from dlcore.projects.forecast import scores as scored
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.runs.batch.output import to_csv
from dlcore.runs.batch.series import FORECAST, forecast_rows
from dlcore.ui.custom_data.saved import offer_training, show_receipt
from dlcore.ui.pages.forecast.data import title
from dlcore.ui.pages.forecast.reading import load_prepared, moment_name
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.predictor import choose_predictor, predict_with

SHOWN_PAST = 24


def predict(project: Project, run: Run | None) -> None:
    """Draw the forecast at a time of the test split, or for an uploaded CSV."""
    bundle = run_cache.finished_bundle(run, to_see="a forecast at any time")
    if bundle is None or run is None:
        return
    with_error_boundary(partial(_show_test_time, project, run, bundle))  # the data may be missing; a file needs none
    _own_file(project, bundle)


def _show_test_time(project: Project, run: Run, bundle: Bundle) -> None:
    stored = run_cache.predictions(bundle)
    prepared = load_prepared(project, run, bundle)
    place = pick(stored["test_ids"])
    first = int(prepared.source["cuts"]["test"][place])
    what_if = _what_if(bundle, prepared, first)
    _all_variables(stored, prepared, place, what_if)


def pick(times: np.ndarray) -> int:
    """Choose a time of the test split by day and hour; returns the index of its first forecast row."""
    days = pd.to_datetime(times, unit="ms")
    left, right = st.columns(2)
    day = left.date_input(
        "Day",
        value=days[len(days) // 2].date(),
        min_value=days[0].date(),
        max_value=days[-1].date(),
        key="moment-day",
        bind="query-params",
    )
    step = np.diff(times[:2]).min() if len(times) > 1 else HOUR_MS
    is_daily = step >= 24 * HOUR_MS  # no hour to choose
    hour = (
        0
        if is_daily
        else right.slider("First hour to forecast", 0, 23, 8, key="moment-hour", format="%d:00", bind="query-params")
    )
    timestamp = pd.Timestamp(day) + pd.Timedelta(hours=hour)  # type: ignore[arg-type]
    return int(np.clip(np.searchsorted(times, timestamp.value // 1_000_000), 0, len(times) - 1))


def _what_if(bundle: Bundle, prepared: Prepared, first: int) -> np.ndarray | None:
    name = str(prepared.preprocessing["warmed"])
    if name not in prepared.source["table"].names or prepared.facts["steps"] != prepared.facts["horizon"]:
        return None
    by = st.slider(
        "What-if: change of the past temperature (°C)",
        -10.0,
        10.0,
        0.0,
        0.5,
        key="warmer",
        bind="query-params",
        help="Adds to the temperature in the whole window and changes nothing else: it shows the model's response, not "
        "the physical one.",
    )
    if not by:
        return None
    variable = prepared.source["table"].names.index(name)
    return why.what_if(run_cache.load_model(bundle).module, prepared, first, variable=variable, by=by)


def _all_variables(stored: dict[str, np.ndarray], prepared: Prepared, place: int, what_if: np.ndarray | None) -> None:
    table = prepared.source["table"]
    first = int(prepared.source["cuts"]["test"][place])
    values, actual = stored["test_scores"][place], stored["test_targets"][place]  # (H, V)
    widths = _intervals(stored)[place]
    times = table.times[first : first + len(values)]
    inside = np.abs(values - actual) <= widths
    known = ~np.isnan(actual) & ~np.isnan(widths)
    st.markdown(
        f"Forecast made at **{moment_name(int(table.times[first - 1]))}** from the previous {prepared.facts['window']} "
        f"{tables.step_name(table.step_ms)}s. Of {int(known.sum())} measured values, "
        f"{int((inside & known).sum())} are inside their interval."
    )
    _figures(stored, prepared, place, what_if)
    rows = {
        "Variable": [title(table, v) for v in range(len(table.names))],
        "Last known": [_plain(v) for v in stored["test_last"][place]],
        f"Forecast, {_when(int(times[0]), table.step_ms)}": [_plain(v) for v in values[0]],
        "90 % interval": [
            f"{_plain(v - w)} to {_plain(v + w)}" if np.isfinite(w) else "–"
            for v, w in zip(values[0], widths[0], strict=True)
        ],
        "Measured": [_plain(v) for v in actual[0]],
        "Inside": ["–" if not k else "yes" if i else "no" for k, i in zip(known[0], inside[0], strict=True)],
    }
    if what_if is not None:
        rows["What-if"] = [f"{_plain(v)} ({v - w:+.3g})" for v, w in zip(what_if[0], values[0], strict=True)]
    with st.expander("All variables as a table"):
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, width="stretch", alt="Forecast and measured value of every variable"
        )


def _figures(stored: dict[str, np.ndarray], prepared: Prepared, place: int, what_if: np.ndarray | None) -> None:
    table, first = prepared.source["table"], int(prepared.source["cuts"]["test"][place])
    values, actual, widths = stored["test_scores"][place], stored["test_targets"][place], _intervals(stored)[place]
    past = slice(max(0, first - SHOWN_PAST), first)
    times = table.times[first : first + len(values)]
    alive = [v for v in range(len(table.names)) if table.observed[past.start : first + len(values), v].any()]
    pairs = [st.columns(2) for _ in range(-(-len(alive) // 2))]  # on a phone the variables keep their order
    for place_on_page, v in enumerate(alive):
        name = table.names[v]
        figure = plots.forecast_and_truth(
            (table.times[past], table.values[past, v]),
            (times, values[:, v], widths[:, v]),
            actual[:, v],
            title=name,
            unit=table.units[v] or "value",
            other=None if what_if is None else what_if[:, v],
        )
        figure.update_layout(showlegend=place_on_page == 0)
        measured = _plain(float(actual[0, v]))
        with pairs[place_on_page // 2][place_on_page % 2]:
            show_figure(
                figure, key=f"moment-{v}", alt=f"{name}: forecast {_plain(float(values[0, v]))}, measured {measured}"
            )


def _intervals(stored: dict[str, np.ndarray]) -> np.ndarray:
    return scored.intervals(stored).adaptive


def _when(moment: int, step_ms: int) -> str:
    """Format a time as an hour, or as a day if rows are days or longer."""
    return f"{pd.Timestamp(moment, unit='ms'):{'%d %b' if step_ms >= 24 * HOUR_MS else '%H:%M'}}"


def _plain(value: float) -> str:
    return "not measured" if not np.isfinite(value) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _own_file(project: Project, bundle: Bundle) -> None:
    with st.expander("Forecast from your own file", icon=":material/upload_file:"):
        names = bundle.preprocessing["names"]
        st.caption(
            f"A table with a time column and the columns {as_text(', '.join(names))}; empty cells are missing values. "
            "It is processed with this run's model and scaling. The file is not stored."
        )
        file = st.file_uploader("Your file", type=list(SUFFIXES), key="forecast-csv", max_upload_size=64)
        if file is None:
            return
        baseline = choose_predictor(project, bundle)
        try:
            prediction: dict[str, Any] = predict_with(baseline, project, bundle, file.getvalue())
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
            return
        if prediction["note"]:
            st.warning(prediction["note"], icon=":material/schedule:")
        offer_training(project.slug, "table", file.getvalue(), name=file.name)
        show_receipt(prediction["receipt"])
        _show_forecast(prediction)


def _show_forecast(prediction: dict[str, Any]) -> None:
    """Draw the forecast of each variable after the end of the file with its interval, and offer it as a table."""
    times, past = np.array(prediction["times"]), np.array(prediction["past_times"])[-SHOWN_PAST:]
    columns = st.columns(2)
    for place, (name, values) in enumerate(prediction["forecast"].items()):
        forecast, low, history = (
            np.array(part, np.float64) for part in (values, prediction["low"][name], prediction["past"][name])
        )
        figure = plots.forecast_and_truth(
            (past, history[-SHOWN_PAST:]),
            (times, forecast, forecast - low),
            np.full(len(times), np.nan),
            title=name,
            unit=prediction["units"][name] or "value",
        )
        figure.update_layout(showlegend=False)
        interval = f", from {_plain(low[0])}" if np.isfinite(low[0]) else ""
        with columns[place % 2]:
            show_figure(figure, key=f"file-{place}", alt=f"{name}: forecast {_plain(forecast[0])}{interval}")
    if any(None in low for low in prediction["low"].values()):
        st.caption("No interval where the run has too few validation errors.")
    else:
        st.caption("Bars: 90 % prediction intervals from the errors on validation.")
    st.download_button(
        "Download the forecast (CSV)",
        lambda: to_csv(FORECAST, forecast_rows(prediction)),
        file_name="forecast.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="forecast-download",
    )
    with st.expander("As a table"):
        when = [moment_name(int(moment)) for moment in prediction["times"]]
        table = pd.DataFrame({"Time": when} | {n: [_plain(v) for v in vs] for n, vs in prediction["forecast"].items()})
        st.dataframe(table, hide_index=True, width="stretch", alt="Forecast after the end of the file")
