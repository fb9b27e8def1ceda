"""Results of the anomaly page: scores beside simple methods, a threshold to move, alarms over time, curves."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.evaluation import anomaly, curves
from dlcore.plots import classification as plots
from dlcore.plots import errors as error_plots
from dlcore.plots.series import series_over_time
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui import style
from dlcore.ui.figure import show_figure
from dlcore.ui.panels import reading
from dlcore.ui.panels.learning import learning_curves
from dlcore.ui.panels.scores import say, score_table, winner
from dlcore.ui.panels.series_data import UNIT, taxi, window_tuples

SPLITS = ("train", "validation", "test")
STEPS = 240
"""Positions of the threshold slider, evenly spaced by ratio."""


@dataclass(frozen=True)
class Scored:
    """One split of a run: errors (n,), targets (n,), times (n,) epoch milliseconds."""

    errors: np.ndarray
    targets: np.ndarray
    times: np.ndarray


def results(project: Project, run: Run | None) -> None:
    """Who wins, the threshold and what it does, and how the model learnt."""
    bundle = reading.finished(run, to_see="its scores, alarms and curves")
    if bundle is None or run is None:
        return
    record, evaluation = run.record, reading.evaluation(bundle)
    splits = scored_splits(bundle)
    verdict = winner(evaluation, "auc_pr")
    st.markdown(f"{evaluation.verdict} {verdict}")
    title = project.models[record.model].title
    score_table(evaluation, title=title, n=len(splits["test"].errors), unit="half-hours")
    _threshold_part(bundle, evaluation.threshold or 0.0)
    learning_curves(
        bundle, record,
        loss="Mean squared distance between the series and the model's copy, on a logarithmic axis. Lower is better; "
        "a validation line that turns upwards means learning by heart.",
        accuracy="Share of points judged rightly at the threshold that this epoch's validation errors set. Neither "
        "part holds a labelled event, so a wrong point here is an alarm on an ordinary day.",
    )  # fmt: skip


def scored_splits(bundle: Bundle) -> dict[str, Scored]:
    """The splits that the run stored errors of."""
    stored = reading.predictions(bundle)
    return {
        name: Scored(stored[f"{name}_scores"], stored[f"{name}_targets"], stored[f"{name}_ids"])
        for name in SPLITS
        if f"{name}_scores" in stored
    }


@st.fragment
def _threshold_part(bundle: Bundle, chosen: float) -> None:
    """Everything that moves with the threshold, in a fragment: nothing else on the page is drawn anew."""
    splits = scored_splits(bundle)
    st.subheader("The threshold, and what it does", anchor=False)
    threshold = threshold_slider(splits, chosen, key=f"threshold-{reading.key_of(bundle)}")
    _counts(splits["test"], threshold)
    name = st.segmented_control(
        "Part of the series", [name for name in SPLITS if name in splits], default="test", required=True, key="part",
        bind="query-params", format_func=str.capitalize,
    )  # fmt: skip
    _over_time(splits[name], name, threshold)
    left, right = st.columns(2)
    with left:
        _distribution(splits, threshold)
    with right:
        _confusion(splits["test"], threshold)
    _curves(splits["test"], threshold)
    _download(splits, threshold)


def threshold_slider(splits: dict[str, Scored], chosen: float, *, key: str) -> float:
    """A slider over every useful threshold; opens on the run's own."""
    values = threshold_grid(np.concatenate([part.errors for part in splits.values()]), chosen)
    threshold: float = st.select_slider(
        "Threshold: a point whose reconstruction error is above it raises an alarm",
        options=values, value=min(values, key=lambda value: abs(value - chosen)), key=key,
        format_func=lambda value: f"{value:.3g}",
    )  # fmt: skip
    source = splits.get("validation", splits.get("train", splits["test"])).errors
    marks = {rule: anomaly.threshold_of(source, rule) for rule in anomaly.RULES}
    st.caption(
        f"The run opened at **{chosen:.3g}**. Made from validation errors, never from test: 99.5 % of them lie below "
        f"{marks['quantile']:.3g}; mean + 3 standard deviations is {marks['mean_std']:.3g}; the largest is "
        f"{marks['maximum']:.3g}. Moving the slider here changes this view alone, not the stored scores above."
    )
    return threshold


def threshold_grid(errors: np.ndarray, chosen: float) -> list[float]:
    """Thresholds from the smallest error above 0 to just over the largest, evenly by ratio, `chosen` among them."""
    positive = errors[errors > 0]
    if not len(positive):
        return [chosen, chosen + 1.0]
    low, high = float(np.quantile(positive, 0.01)), float(positive.max()) * 1.01
    grid = np.geomspace(min(low, chosen or low), max(high, chosen * 1.01), STEPS)
    return sorted({float(f"{value:.6g}") for value in grid} | ({chosen} if chosen > 0 else set()))


def _counts(test: Scored, threshold: float) -> None:
    found = anomaly.metrics(test.errors, test.targets, threshold=threshold)
    points = anomaly.counts(test.errors, test.targets, threshold=threshold)
    total = len(anomaly.ranges(test.targets.astype(bool)))
    months = max(float(test.times[-1] - test.times[0]) / (30.44 * 86_400_000), 1e-9) if len(test.times) > 1 else 1.0
    false = found["false_alarms"]
    rows = [
        ("Events caught", f"{found['events_hit']:.0f} of {total}", ""),
        ("False alarms", f"{false:.0f}", f"{false / months:.1f} a month"),
        *((name.upper() if name == "f1" else name.capitalize(), say(name, found[name]), "")
          for name in ("precision", "recall", "f1") if name in found),
    ]  # fmt: skip
    style.facts(rows)
    hits, alarms = points.true_positives, points.true_positives + points.false_positives
    st.caption(
        f"On the test part: precision = right alarms / all alarms = {hits:,} / {alarms:,}; recall = right alarms / "
        f"labelled points = {hits:,} / {hits + points.false_negatives:,}. An event is caught when one of its points "
        "raises an alarm; alarms outside the labelled windows that lie less than a day apart count as one false alarm."
    )


def _over_time(part: Scored, name: str, threshold: float) -> None:
    called = anomaly.alarms(part.errors, threshold)
    windows = anomaly.ranges(part.targets.astype(bool))
    spans = np.stack([part.times[windows[:, 0]], part.times[windows[:, 1] - 1]], axis=1)
    figure = error_plots.error_over_time(
        part.times, part.errors, threshold=threshold, title=f"Reconstruction error over time ({name})", windows=spans
    )
    show_figure(
        figure, key="error-over-time", alt=f"Error over time on {name}: {int(called.sum())} points above the threshold"
    )
    series = taxi()
    place = np.minimum(np.searchsorted(series.times, part.times), len(series.times) - 1)
    if not (series.times[place] == part.times).all():
        st.caption("The series of this run is not here, so its alarms cannot be drawn on it.")
        return
    shown = [w for w in window_tuples(series) if w[1] >= part.times[0] and w[0] <= part.times[-1]]
    figure = series_over_time(
        part.times,
        series.values[place],
        title=f"Alarms on the series ({name})",
        unit=UNIT,
        windows=shown,
        alarms=called,
    )
    show_figure(figure, key="alarms-over-time", alt=f"The series on {name} with {int(called.sum())} alarms")
    names = "; ".join(f"{number} {window[2]}" for number, window in enumerate(shown, start=1))
    st.caption(
        f"Crosses are alarms. Shaded: {names}." if shown else "Crosses are alarms. This part holds no labelled event."
    )


def _distribution(splits: dict[str, Scored], threshold: float) -> None:
    figure = error_plots.error_distribution({name: part.errors for name, part in splits.items()}, threshold=threshold)
    above = ", ".join(f"{name} {(part.errors > threshold).mean():.1%}" for name, part in splits.items())
    show_figure(figure, key="distribution", alt=f"Distribution of the error; above the threshold: {above}")
    st.caption(f"Both axes are logarithmic. Above the threshold: {above}.")


def _confusion(test: Scored, threshold: float) -> None:
    counts = anomaly.counts(test.errors, test.targets, threshold=threshold).matrix
    figure = plots.confusion_matrix(counts, ("normal", "anomaly"), title="Confusion matrix (test, points)")
    show_figure(figure, key="confusion", alt=f"Confusion matrix: {counts.tolist()}, rows are the truth")
    st.caption(
        "Rows: what the labels say. Columns: what the model says at this threshold. Darker: a larger share of its row."
    )


def _curves(test: Scored, threshold: float) -> None:
    positive = test.targets.astype(bool)
    if positive.all() or not positive.any():
        st.caption(
            "ROC and precision-recall curves need labelled and unlabelled points; the test part has only one kind."
        )
        return
    points = anomaly.counts(test.errors, test.targets, threshold=threshold)
    alarms = points.true_positives + points.false_positives
    recall = points.true_positives / positive.sum()
    left, right = st.columns(2)
    with left:
        roc, area = curves.roc(test.errors, positive), curves.roc_auc(test.errors, positive)[0]
        at = (points.false_positives / (~positive).sum(), recall)
        figure = plots.roc_curve(roc.false_positive_rate, roc.recall, area=area, operating=at)
        show_figure(figure, key="roc", alt=f"ROC curve, area {area:.3f}")
        st.caption(
            "Every threshold at once: up is more found, right is more false alarms. The diamond is the threshold above."
        )
    with right:
        found, area = curves.precision_recall(test.errors, positive), curves.average_precision(test.errors, positive)[0]
        figure = plots.precision_recall_curve(
            found.recall, found.precision, area=area, positives=float(positive.mean()),
            operating=(recall, points.true_positives / alarms) if alarms else None,
        )  # fmt: skip
        show_figure(figure, key="pr", alt=f"Precision-recall curve, area {area:.3f}")
        st.caption(
            "How many alarms are right when so many anomalies are found. With rare anomalies this tells more than ROC."
        )


def _download(splits: dict[str, Scored], threshold: float) -> None:
    total = sum(int(anomaly.alarms(part.errors, threshold).sum()) for part in splits.values())
    st.download_button(
        f"Download the {total:,} alarms (CSV)", lambda: alarm_csv(splits, threshold), file_name="alarms.csv",
        mime="text/csv", icon=":material/download:", key="alarms-csv", on_click="ignore", disabled=not total,
    )  # fmt: skip


def alarm_csv(splits: dict[str, Scored], threshold: float) -> str:
    """The alarms of every split as CSV: part, time, error, threshold, and whether a label covers it."""
    rows = []
    for name, part in splits.items():
        called = anomaly.alarms(part.errors, threshold)
        times = pd.to_datetime(part.times[called], unit="ms").strftime("%Y-%m-%d %H:%M:%S")
        rows.append(
            pd.DataFrame(
                {"part": name, "time": times, "error": part.errors[called], "threshold": threshold,
                 "labelled": part.targets[called].astype(int)}
            )
        )  # fmt: skip
    return pd.concat(rows).to_csv(index=False)
