"""Predict panel of the anomaly page: score a CSV with the run's model, and move the threshold over it."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.series.intervals import format_duration
from dlcore.data.series.series import DAY_MS, Series
from dlcore.data.tabular.read import SUFFIXES
from dlcore.evaluation import anomaly
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.anomaly.models import score_name
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.runs.batch.output import to_csv
from dlcore.runs.batch.series import score_columns, score_rows
from dlcore.runs.views.threshold import Scope, SeriesAxis, ThresholdView
from dlcore.ui.components.threshold.component import show_threshold
from dlcore.ui.custom_data.saved import offer_training, show_receipt
from dlcore.ui.pages.anomaly.data import find_series
from dlcore.ui.pages.anomaly.replay import replay
from dlcore.ui.shell import style
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.train.new_run import dataset_title
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.predictor import choose_predictor, predict_with

SAMPLE_DAYS = 35
SAMPLE_LEAST, SAMPLE_MOST = 500, 20_000
"""Minimum and maximum number of points of the sample."""
SHOWN_ALARMS = 1000


def predict(project: Project, run: Run | None) -> None:
    """Upload a CSV or use the sample, to see its errors and alarms; or replay the run's series point by point."""
    bundle = run_cache.finished_bundle(run, to_see="predictions for your own series")
    if bundle is None or run is None:
        return
    source = choose("Input", ["A file", "Replay"], key="anomaly-input")
    if source == "Replay":
        replay(run, bundle)
        return
    names = bundle.preprocessing.get("columns")
    value = f"the columns {', '.join(f'**{as_text(name)}**' for name in names)}" if names else "a **value** column"
    st.markdown(
        f"A table with a **time** column (for example `2014-07-01 00:30`) and {value}. It is "
        "scored with this run's model, scaling and threshold. The file is not stored."
    )
    sample, about = _sample(run, context=bundle.facts["window"] - 1)
    left, right = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    file = left.file_uploader("Your file", type=list(SUFFIXES), key="own-csv", max_upload_size=64)
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
    baseline = choose_predictor(project, bundle)
    try:
        with st.spinner("Scoring every row"):
            prediction = predict_with(baseline, project, bundle, payload)
    except WorkbenchError as error:
        st.error(error_line(error), icon=":material/error:")
        return
    if prediction.get("note"):
        st.warning(prediction["note"], icon=":material/schedule:")
    if file is not None:
        offer_training(project.slug, "table" if names else "series", payload, name=file.name)
    digest = hashlib.sha256(payload).hexdigest()[:16]
    name = file.name if file is not None else f"the sample: {about}"
    score = "score" if baseline else score_name(run.config)
    _show(prediction, name, f"{run_cache.bundle_key(bundle)}-{baseline}-{digest}", score)


def _sample(run: Run, *, context: int) -> tuple[bytes, str]:
    """Return the end of the run's series as a CSV with a description; empty if the series is not available."""
    series = find_series(run.config)
    if series is None:
        return b"", "the series of this run is not on this machine"
    about = f"the last days of {dataset_title(run.config.dataset)}"
    if run.config.dataset == "nyc_taxi":
        about = f"the last {SAMPLE_DAYS} days of the taxi series, with New Year and the blizzard"
    return sample_csv(series, context=context), about


def sample_csv(series: Series, *, context: int = 0) -> bytes:
    """Return the last days of a series, between the minimum and maximum number of points, as a CSV.

    `context` is the number of points before them that the model reads before its first score.
    """
    days = int((series.times >= series.times[-1] - SAMPLE_DAYS * DAY_MS).sum())
    length = int(np.clip(days, min(SAMPLE_LEAST, len(series.times)), SAMPLE_MOST))
    last = slice(-min(length + context, len(series.times)), None)
    times = pd.to_datetime(series.times[last], unit="ms").strftime(
        "%Y-%m-%d %H:%M:%S" if series.step_ms % 1000 == 0 else "%Y-%m-%d %H:%M:%S.%f"
    )
    columns = pd.DataFrame(series.variables[last], columns=list(series.names) or ["value"])
    columns.insert(0, "timestamp", times, allow_duplicates=True)
    return columns.to_csv(index=False).encode()


@fragment
def _show(prediction: dict[str, Any], name: str, key: str, score: str) -> None:
    """Draw the threshold over the series and its scores, in a fragment, then the rows with an alarm."""
    times, values, scores = (np.asarray(prediction[name]) for name in ("times", "values", "errors"))
    columns = prediction.get("columns", {})
    table = np.column_stack(list(columns.values())) if columns else values
    show_receipt(prediction["receipt"])
    unscored = int(prediction["unscored"])
    if unscored:
        st.caption(
            f"The first {unscored:,} rows have no score: the model reads {format_duration(prediction['context_ms'])} "
            "before its first one."
        )
    view = ThresholdView(
        scores=scores,
        labels=None,
        run_threshold=float(prediction["threshold"]),
        scopes=(Scope("scored rows", unscored, len(scores)),),
        parts=(Scope("no score yet", 0, unscored), Scope("scored", unscored, len(scores))) if unscored else (),
        series=SeriesAxis(times, values, "value"),
        score_name=score,
    )
    released = show_threshold(view, key=key)
    is_alarm = anomaly.alarms(scores, released.threshold)
    threshold_note = "of this run" if released.threshold == view.run_threshold else "moved"
    style.summary_row(
        [
            ("File", name, ""),
            ("Rows", f"{len(values):,}", ""),
            (
                "Alarm points",
                f"{int(is_alarm.sum()):,}",
                f"{format_percent(is_alarm[unscored:].mean())} of the scored rows",
            ),
            ("Threshold", f"{released.threshold:.3g}", threshold_note),
        ]
    )
    _show_alarms(prediction, is_alarm, threshold=released.threshold)
    st.download_button(
        "Download all rows with scores (CSV)",
        lambda: to_csv(score_columns(tuple(columns)), score_rows(times, table, scores, released.threshold)),
        file_name="scores.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="scores-csv",
    )


def _show_alarms(prediction: dict[str, Any], is_alarm: np.ndarray, *, threshold: float) -> None:
    if not is_alarm.any():
        st.success("No alarm at this threshold.", icon=":material/check_circle:")
        return
    scores = np.asarray(prediction["errors"])
    order = np.flatnonzero(is_alarm)
    order = order[np.argsort(-scores[order], kind="stable")][:SHOWN_ALARMS]
    table = pd.DataFrame(
        {
            "Row": np.asarray(prediction["rows"])[order],
            "Time": pd.to_datetime(np.asarray(prediction["times"])[order], unit="ms").strftime("%Y-%m-%d %H:%M"),
            "Value": np.asarray(prediction["values"])[order],
            "Score": scores[order],
            "Score / threshold": scores[order] / threshold if threshold > 0 else np.nan,
        }
    )
    st.markdown("**Alarm points**, highest score first. Row 1 of the file is its header.")
    formats = {
        "Score": st.column_config.NumberColumn(format="%.3g"),
        "Score / threshold": st.column_config.NumberColumn(format="%.2f"),
    }
    st.dataframe(table, hide_index=True, width="stretch", column_config=formats, alt="Rows with an alarm")
