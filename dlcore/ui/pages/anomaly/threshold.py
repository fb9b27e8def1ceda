"""Decision threshold of the anomaly page: scores of the run's series, its alarms, and the explanation of an alarm."""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError, one_line
from dlcore.core.markdown import error_line
from dlcore.data.series import manual_labels
from dlcore.data.series.series import LabeledWindow
from dlcore.evaluation import anomaly
from dlcore.plots import errors as error_plots
from dlcore.plots import svg
from dlcore.plots.series import before_and_after
from dlcore.projects.anomaly import alarm as anomaly_alarm
from dlcore.projects.anomaly.models import score_name
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.runs.views.threshold import (
    NamedWindow,
    ReleasedThreshold,
    SeriesAxis,
    SplitScores,
    ThresholdView,
    make_view,
    rule_scores,
    series_axis,
    split_scores,
)
from dlcore.ui.components.threshold.component import show_threshold, start_with
from dlcore.ui.pages.anomaly import explain as explain_series
from dlcore.ui.pages.anomaly.data import day, find_series, unit_of
from dlcore.ui.pages.anomaly.threshold_feedback import show_threshold_feedback
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure

SCORE_COLOR = "#6F7B8A"
FRAME_TOP = 128
"""Pixels from the top of the threshold component to its score chart."""
KINDS = {"scores": "Causal: uses no later points", "centred": "Centered: uses later points"}


def load_splits(bundle: Bundle, kind: str = "scores") -> dict[str, SplitScores]:
    """Return the splits of a run with stored errors; see `split_scores`."""
    return split_scores(run_cache.predictions(bundle), kind)


@fragment
def show_decision_threshold(project: Project, run: Run, bundle: Bundle, threshold: float) -> None:
    """Draw everything that depends on the threshold, in a fragment; the score chart comes first."""
    chart, below = st.container(), st.container()
    with below:
        kind = _kind(bundle)
        column = _column(run, bundle)
    splits = load_splits(bundle, kind)
    if column is not None:
        splits = split_scores(run_cache.predictions(bundle), "columns", column=column)
    elif kind == "centred":
        threshold = run_cache.evaluation(bundle).metrics.get("threshold_centred", threshold)
    axis, rules, score = _series_axis(run, splits, column), rule_scores(splits, run.config), score_name(run.config)
    view = make_view(splits, threshold, axis=axis, rules=rules, score=score)
    stored = tuple(NamedWindow(label.start, label.end) for label in manual_labels.load(run.config.dataset))
    imports = st.session_state.get(f"label-imports-{run.run_id}", 0)  # a new file replaces the component's labels
    base = f"{run_cache.bundle_key(bundle)}-{kind if column is None else column}"
    key = f"{base}-{imports}" if imports else base
    with chart, main_picture(_first_frame(view), alt=f"{score.capitalize()} over time", height=168, top=FRAME_TOP):
        released = show_threshold(view, key=key, labels=stored)
    _save_labels(run, released.labels)
    proposed = show_threshold_feedback(run, splits, released)
    if proposed is not None:
        st.session_state[f"label-imports-{run.run_id}"] = imports + 1
        start_with(ReleasedThreshold(proposed, None, released.labels), key=f"{base}-{imports + 1}")
        st.rerun(scope="fragment")
    if released.alarm is not None:
        with_error_boundary(partial(_explain_alarm, project, run, bundle, released.alarm))
    _downloads(splits, released)
    _import_labels(run, splits)
    with st.expander("Definitions"):
        st.markdown(DEFINITIONS)


def _first_frame(view: ThresholdView) -> str:
    """Return the score chart as SVG, with the axis that the component chooses."""
    scores, series = np.nan_to_num(view.scores.astype(np.float64), posinf=0.0, neginf=0.0), view.series
    if series is None or not len(scores):
        return ""
    low, high, log = score_limits(scores, view.run_threshold)
    times = series.times.astype(np.float64)
    first, last = pd.to_datetime(times[[0, -1]], unit="ms")
    months = pd.date_range(first, last, freq="MS", normalize=True, inclusive="right")
    ticks = [(float(month.value) / 1e6, f"{month:%b}") for month in months[:: max(1, -(-len(months) // 9))]]
    return svg.line_chart(
        [svg.Line(scores, times, color=SCORE_COLOR, width=1.0)],
        svg.Axes(low, high, log=log, x_ticks=ticks),
        height=168,
        windows=[(window.start, window.end) for window in series.windows],
        threshold=view.run_threshold,
    )


def score_limits(scores: np.ndarray, threshold: float) -> tuple[float, float, bool]:
    """Return the limits of the score axis, and whether it is logarithmic, as `scoreAxis` in the component."""
    ordered = np.sort(scores)
    top, above = max(float(ordered[-1]), threshold), ordered[ordered > 0]
    if len(above) > 0.9 * len(ordered) and ordered[0] >= 0:
        low, usual = (float(above[int(share * (len(above) - 1))]) for share in (0.01, 0.05))
        if top > 30 * usual:
            return low, 1.3 * top, True
    low = min(float(ordered[0]), threshold)
    margin = 0.05 * ((top - low) or 1.0)
    return (0.0 if 0 <= low < 0.3 * top else low - margin), top + margin, False


def _save_labels(run: Run, labels: tuple[NamedWindow, ...]) -> None:
    """Store the labels drawn by hand with the dataset, once they change: a visit of a link stores nothing."""
    key = f"labels-of-{run.config.dataset}"
    before = st.session_state.setdefault(key, labels)
    if labels == before:
        return
    st.session_state[key] = labels
    try:
        manual_labels.save(run.config.dataset, [LabeledWindow(label.start, label.end, label.name) for label in labels])
    except WorkbenchError as error:
        st.warning(f"The labels are not stored: {error_line(error)}", icon=":material/save:")


def _import_labels(run: Run, splits: dict[str, SplitScores]) -> None:
    """Replace the labels drawn by hand with those of a file."""
    times = np.concatenate([part.times for part in splits.values()])
    key = f"label-file-{run.run_id}"

    def read() -> None:
        file = st.session_state.get(key)
        if file is None:
            return
        try:
            manual_labels.save(run.config.dataset, manual_labels.read_file(file.getvalue(), times))
        except WorkbenchError as error:
            st.session_state[f"{key}-error"] = one_line(error)
            return
        st.session_state.pop(f"{key}-error", None)
        st.session_state[f"label-imports-{run.run_id}"] = st.session_state.get(f"label-imports-{run.run_id}", 0) + 1

    with st.expander("Labels from a file", icon=":material/upload_file:"):
        st.caption("CSV with start and end, as downloaded here. It replaces the labels that you drew.")
        st.file_uploader("Labels", type=["csv", "json"], key=key, on_change=read, label_visibility="collapsed")
        if message := st.session_state.get(f"{key}-error"):
            st.error(message, icon=":material/error:")


def _kind(bundle: Bundle) -> str:
    """Return which of the run's scores is shown, if it stored two different ones."""
    stored = run_cache.predictions(bundle)
    if "test_centred" not in stored or np.array_equal(stored["test_centred"], stored["test_scores"]):
        return "scores"
    kind: str = choose("Score", KINDS, key="score", default="scores", format_func=KINDS.__getitem__)
    return kind


def _column(run: Run, bundle: Bundle) -> int | None:
    """Return which column's scores are shown, of a run that scores several; None: the joint scores."""
    if "test_columns" not in run_cache.predictions(bundle):
        return None
    names = ["All columns", *bundle.preprocessing["columns"]]
    name = st.selectbox("Scores of", names, key="column", bind="query-params")
    return names.index(name) - 1 if name != names[0] else None


DEFINITIONS = """
- **Alarm point**: a point whose score is above the threshold. **Alarm**: alarm points less than a day apart.
- **Event**: a labeled window. It is detected if one of its points is an alarm point, unless most
  unlabeled points are, too; the **delay** is the time from the
  window's start to the first alarm in it. An alarm that continues after the window belongs to that event for a day.
- **Precision**, **recall** and **F1** count single points. Events and false alarms count ranges of time.
- **Cost** = missed events × cost of a missed event + false alarms. Below the threshold with the most false alarms, they
  only merge into fewer and longer ones, which would look cheap: minimum cost and best F1 are searched above it.
- Thresholds **set without labels** come from the scores of the validation or training split only.
  Thresholds **chosen with labels** use the labels shown here: for comparison, not for reporting.
- Moving the line changes this view only, not the stored scores above.
"""


def _series_axis(run: Run, splits: dict[str, SplitScores], column: int | None) -> SeriesAxis:
    """Return the series behind the scores, or its column; labels only if it is not available."""
    series = find_series(run.config)
    if series is None or column is None or series.columns is None:
        return series_axis(splits, series, unit=unit_of(run.config))
    part = dataclasses.replace(series, values=series.columns[:, column])
    return series_axis(splits, part, unit=series.names[column])


def _explain_alarm(project: Project, run: Run, bundle: Bundle, point: int) -> None:
    """Draw the window around the chosen alarm, its reconstruction, and each point's share of the error."""
    try:
        prepared = explain_series.prepared_of(project, run, bundle)
        reconstruction = anomaly_alarm.reconstruct(run_cache.load_model(bundle).module, prepared, run.config, point)
    except WorkbenchError as error:
        st.info(f"This alarm's window cannot be reconstructed here: {error_line(error)}", icon=":material/info:")
        return
    splits = load_splits(bundle)
    times = np.concatenate([part.times for part in splits.values()])
    errors = np.concatenate([part.errors for part in splits.values()])
    moment = int(times[point])
    actual, rebuilt, alarm, unit = (
        reconstruction.observed,
        reconstruction.rebuilt,
        reconstruction.at,
        reconstruction.column or unit_of(run.config),
    )
    gap = explain_series.plain(float(np.abs(actual - rebuilt).max()))
    name = anomaly_alarm.expected_name(run.config)
    st.markdown(
        f"**{day(moment)}**: score {errors[point]:.3g}. In this window the series and its {name} differ "
        f"by up to {gap} ({unit})."
    )
    left, right = st.columns([3, 2])
    with left:
        figure = before_and_after(reconstruction.times, actual, rebuilt, moment=moment, unit=unit, name=name)
        show_figure(figure, key="why-window", alt=f"The series and its {name}; they differ by up to {gap}")
    with right:
        by_point = reconstruction.by_point
        share = by_point[alarm] / (by_point.sum() or 1.0)
        figure = error_plots.window_contributions(reconstruction.times, by_point, alarm=alarm)
        show_figure(figure, key="why-shares", alt=f"Each point's share of the error; {share:.0%} at the alarm")


def _downloads(splits: dict[str, SplitScores], released: ReleasedThreshold) -> None:
    total = sum(int(anomaly.alarms(part.errors, released.threshold).sum()) for part in splits.values())
    with st.container(horizontal=True):
        st.download_button(
            f"Download {total:,} alarm points (CSV)",
            lambda: alarm_csv(splits, released.threshold),
            file_name="alarms.csv",
            mime="text/csv",
            icon=":material/download:",
            key="alarms-csv",
            on_click="ignore",
            disabled=not total,
        )
        if released.labels:
            st.download_button(
                f"Download {len(released.labels)} label{'' if len(released.labels) == 1 else 's'} (CSV)",
                lambda: label_csv(released.labels),
                file_name="labels.csv",
                mime="text/csv",
                icon=":material/download:",
                key="labels-csv",
                on_click="ignore",
            )


def alarm_csv(splits: dict[str, SplitScores], threshold: float) -> str:
    """Return the alarms of every split as CSV: split, time, error, threshold, and whether a label covers it."""
    rows = []
    for name, part in splits.items():
        is_alarm = anomaly.alarms(part.errors, threshold)
        times = pd.to_datetime(part.times[is_alarm], unit="ms").strftime("%Y-%m-%d %H:%M:%S")
        rows.append(
            pd.DataFrame(
                {
                    "part": name,
                    "time": times,
                    "error": part.errors[is_alarm],
                    "threshold": threshold,
                    "labeled": part.targets[is_alarm].astype(int),
                }
            )
        )
    return pd.concat(rows).to_csv(index=False)


def label_csv(windows: tuple[NamedWindow, ...]) -> str:
    """Return windows labeled by hand as CSV: start and end, both included."""
    return manual_labels.to_csv(LabeledWindow(window.start, window.end, "") for window in windows)
