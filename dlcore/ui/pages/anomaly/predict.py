"""Predict panel of the anomaly page: score a CSV with the run's model and threshold."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.data.series.series import DAY_MS, Series
from dlcore.plots import errors as error_plots
from dlcore.plots.series import series_over_time
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.data import series_of, taxi
from dlcore.ui.shell import style
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

SAMPLE_DAYS = 35
SAMPLE_LEAST, SAMPLE_MOST = 500, 20_000
"""Minimum and maximum number of points of the sample."""


def predict(project: Project, run: Run | None) -> None:
    """Upload a CSV or use the sample; shows its errors, alarms and their rows."""
    bundle = run_cache.finished_bundle(run, to_see="predictions for your own series")
    if bundle is None or run is None:
        return
    st.markdown(
        "A CSV with a **time** column (for example `2014-07-01 00:30`) and a **value** column, evenly spaced. It is "
        "scored with this run's model, scaling and threshold. The file is not stored."
    )
    sample, about = _sample(run)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    file = left.file_uploader("Your CSV", type=["csv", "txt", "tsv"], key="own-csv", max_upload_size=64)
    with right:
        use_sample = st.toggle(
            "Use the sample", key="use-sample", value=file is None, disabled=file is not None or not sample
        )
        st.download_button(
            "Download sample",
            sample,
            file_name="sample.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="sample-csv",
            disabled=not sample,
            help=f"{about[0].upper()}{about[1:]}.",
        )
    payload = file.getvalue() if file is not None else sample if use_sample else b""
    if file is None and not payload:
        st.info("Choose a file, or use the sample.", icon=":material/upload_file:")
        return
    try:
        with st.spinner("Scoring every row"):
            prediction = project.answer(run_cache.load_model(bundle), payload)
    except WorkbenchError as error:
        st.error(one_line(error), icon=":material/error:")
        return
    _show(prediction, name=file.name if file is not None else f"the sample: {about}")


def _sample(run: Run) -> tuple[bytes, str]:
    """Return the end of the run's series as a CSV with a description; empty if the series is not available."""
    if run.config.dataset == "nyc_taxi":
        return sample_csv(taxi()), f"the last {SAMPLE_DAYS} days of the taxi series, with New Year and the blizzard"
    try:
        return sample_csv(series_of(run.config)), f"the last days of {dataset_title(run.config.dataset)}"
    except WorkbenchError:
        return b"", "the series of this run is not on this machine"


def sample_csv(series: Series) -> bytes:
    """Return the last days of a series, between the minimum and maximum number of points, as a CSV."""
    days = int((series.times >= series.times[-1] - SAMPLE_DAYS * DAY_MS).sum())
    last = slice(-int(np.clip(days, min(SAMPLE_LEAST, len(series.times)), SAMPLE_MOST)), None)
    times = pd.to_datetime(series.times[last], unit="ms").strftime(
        "%Y-%m-%d %H:%M:%S" if series.step_ms % 1000 == 0 else "%Y-%m-%d %H:%M:%S.%f"
    )
    return pd.DataFrame({"timestamp": times, "value": series.values[last]}).to_csv(index=False).encode()


def _show(prediction: dict[str, Any], *, name: str) -> None:
    times, values, errors = (np.asarray(prediction[key]) for key in ("times", "values", "errors"))
    threshold, is_alarm = float(prediction["threshold"]), np.asarray(prediction["errors"]) > prediction["threshold"]
    if prediction.get("note"):
        st.warning(prediction["note"], icon=":material/schedule:")
    style.summary_row(
        [
            ("File", name, ""),
            ("Rows", f"{len(values):,}", ""),
            ("Alarms", f"{int(is_alarm.sum()):,}", f"{is_alarm.mean():.1%} of the rows"),
            ("Threshold", f"{threshold:.3g}", "of this run"),
        ]
    )
    figure = series_over_time(times, values, title="Your series with alarms", unit="value", alarms=is_alarm)
    show_figure(figure, key="own-series", alt=f"Your series with {int(is_alarm.sum())} alarms")
    figure = error_plots.error_over_time(times, errors, threshold=threshold, title="Reconstruction error over time")
    show_figure(figure, key="own-errors", alt="Reconstruction error of your series over time")
    table = pd.DataFrame(
        {
            "Row": prediction["rows"],
            "Time": pd.to_datetime(times, unit="ms").strftime("%Y-%m-%d %H:%M"),
            "Value": values,
            "Error": errors,
            "Score / threshold": errors / threshold if threshold > 0 else np.nan,
            "Alarm": is_alarm,
        }
    )
    _rows(table)


def _rows(table: pd.DataFrame) -> None:
    alarms = table[table["Alarm"]].sort_values("Error", ascending=False)
    if len(alarms):
        st.markdown("**Rows with an alarm**, largest error first. Row 1 of the file is its header.")
        columns = [name for name in table.columns if name != "Alarm"]
        formats = {
            "Error": st.column_config.NumberColumn(format="%.3g"),
            "Score / threshold": st.column_config.NumberColumn(format="%.2f"),
        }
        st.dataframe(
            alarms[columns].head(1000),
            hide_index=True,
            width="stretch",
            column_config=formats,
            alt="Rows with an alarm",
        )
    else:
        st.success("No alarm at this run's threshold.", icon=":material/check_circle:")
    st.download_button(
        "Download all rows with errors (CSV)",
        lambda: table.to_csv(index=False),
        file_name="errors.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="own-download",
    )
