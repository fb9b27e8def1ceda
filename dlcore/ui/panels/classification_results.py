"""Results of a classifier: scores beside simple methods, a threshold where there are two classes, mistakes, curves."""

import numpy as np
import streamlit as st

from dlcore.evaluation import classification, curves
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui import style
from dlcore.ui.figure import show_figure
from dlcore.ui.panels import reading, samples
from dlcore.ui.panels.classification_data import shortened
from dlcore.ui.panels.learning import learning_curves
from dlcore.ui.panels.scores import say, score_table, winner

MISTAKES = 12


def results(project: Project, run: Run | None) -> None:
    """Who wins, what is confused with what, how sure the model is, its worst mistakes, and how it learnt."""
    bundle = reading.finished(run, to_see="its scores, its mistakes and its curves")
    if bundle is None or run is None:
        return
    record, evaluation = run.record, reading.evaluation(bundle)
    scores, targets = _test(bundle)
    st.markdown(f"{evaluation.verdict} {winner(evaluation, 'accuracy')}")
    score_table(evaluation, title=project.models[record.model].title, n=len(targets), unit="samples")
    if scores.shape[1] == 2:
        _threshold_part(bundle, 0.5 if evaluation.threshold is None else evaluation.threshold)
    else:
        _classes(bundle)
    left, right = st.columns(2)
    with left:
        _calibration(bundle)
    with right:
        st.subheader("Its worst mistakes", anchor=False)
        st.caption("Wrong answers on test that it was surest of.")
        _mistakes(project, run, bundle)
    learning_curves(
        bundle, record,
        loss="Mean surprise at the true class, on a logarithmic axis. A validation line that turns upwards means "
        "learning by heart.",
        accuracy="Share of right answers. The train line is measured while the epoch runs, so it lags a little behind.",
    )  # fmt: skip


def _test(bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    stored = reading.predictions(bundle)
    return stored["test_scores"], stored["test_targets"]


@st.fragment
def _threshold_part(bundle: Bundle, chosen: float) -> None:
    """Everything that moves with the threshold on the probability of the second class."""
    scores, targets = _test(bundle)
    name = bundle.labels[1]
    st.subheader("The threshold, and what it does", anchor=False)
    threshold = st.slider(
        f"Call a sample “{name}” from this probability on", 0.0, 1.0, value=float(round(chosen, 3)), step=0.005,
        format="%.3f", key=f"threshold-{reading.key_of(bundle)}",
    )  # fmt: skip
    st.caption(
        f"The run opened at **{chosen:.3f}**, chosen on validation, never on test. Moving it changes this view alone, "
        "not the stored scores above."
    )
    found = classification.metrics(scores, targets, threshold=threshold)
    style.facts((metric.upper() if metric == "f1" else metric.capitalize(), say(metric, found[metric]), "")
                for metric in ("accuracy", "precision", "recall", "f1"))  # fmt: skip
    counts = classification.confusion(scores, targets, threshold=threshold)
    (quiet, false), (missed, hits) = counts.tolist()
    st.caption(
        f"Precision = right calls / all calls of “{name}” = {hits:,} / {hits + false:,}; recall = right calls / all "
        f"that are “{name}” = {hits:,} / {hits + missed:,}."
    )
    _confusion(counts, bundle.labels)
    if missed + hits and quiet + false:
        _curves(scores[:, 1], targets == 1, counts)


def _curves(scores: np.ndarray, positive: np.ndarray, counts: np.ndarray) -> None:
    (quiet, false), (missed, hits) = counts.tolist()
    recall = hits / (hits + missed)
    left, right = st.columns(2)
    with left:
        roc, area = curves.roc(scores, positive), curves.roc_auc(scores, positive)[0]
        at = (false / (quiet + false), recall)
        figure = plots.roc_curve(roc.false_positive_rate, roc.recall, area=area, operating=at)
        show_figure(figure, key="roc", alt=f"ROC curve, area {area:.3f}")
        st.caption("Every threshold at once: up is more found, right is more called wrongly. The diamond is yours.")
    with right:
        found, area = curves.precision_recall(scores, positive), curves.average_precision(scores, positive)[0]
        figure = plots.precision_recall_curve(
            found.recall, found.precision, area=area, positives=float(positive.mean()),
            operating=(recall, hits / (hits + false)) if hits + false else None,
        )  # fmt: skip
        show_figure(figure, key="pr", alt=f"Precision-recall curve, area {area:.3f}")
        st.caption("How many calls are right when so many of them are found.")


def _classes(bundle: Bundle) -> None:
    scores, targets = _test(bundle)
    counts = classification.confusion(scores, targets)
    st.subheader("Class by class", anchor=False)
    left, right = st.columns([3, 2])
    with left:
        _confusion(counts, bundle.labels)
    with right:
        share = 100 * classification.class_accuracy(counts)
        figure = plots.class_bars(
            np.nan_to_num(share), bundle.labels, title="Right by class", unit="right, %", sort=True
        )
        hardest = bundle.labels[int(np.nanargmin(share))]
        show_figure(figure, key="by-class", alt=f"Right answers by class; the hardest is {hardest}")
        st.caption(f"Hardest: “{hardest}”, right {np.nanmin(share):.1f} times in 100.")


def _confusion(counts: np.ndarray, labels: tuple[str, ...]) -> None:
    figure = plots.confusion_matrix(counts, labels, title="Confusion matrix (test)")
    wrong = counts - np.diag(counts.diagonal())
    truth, called = np.unravel_index(int(wrong.argmax()), wrong.shape)
    most = f"most often “{labels[truth]}” is taken for “{labels[called]}” ({int(wrong.max()):,} times)"
    show_figure(figure, key="confusion", alt=f"Confusion matrix; {most}")
    st.caption(
        f"Rows: the truth. Columns: the answer. Darker: a larger share of its row. The diagonal is right; {most}."
    )


def _calibration(bundle: Bundle) -> None:
    scores, targets = _test(bundle)
    st.subheader("How sure it is", anchor=False)
    bins = classification.calibration(scores, targets)
    figure = plots.calibration_curve(bins.confidence, bins.accuracy, bins.count)
    error = classification.metrics(scores, targets)["ece"]
    show_figure(figure, key="calibration", alt=f"Calibration curve; mean gap {error:.1%}")
    st.caption(
        f"Below the dotted line it is surer than it should be. Mean gap between confidence and truth: {error:.1%}. "
        "Larger dots hold more samples."
    )


def _mistakes(project: Project, run: Run, bundle: Bundle) -> None:
    scores, targets = _test(bundle)
    ids, labels, dataset = reading.predictions(bundle)["test_ids"], bundle.labels, run.config.dataset
    rows = classification.worst(scores, targets, count=MISTAKES)
    if not len(rows):
        st.success("No mistake on the test split.", icon=":material/check_circle:")
        return
    said = [f"{labels[scores[row].argmax()]} {scores[row].max():.0%}, is {labels[targets[row]]}" for row in rows]
    if project.input_kind == "image":
        found = samples.pictures(dataset).test_pixels
        samples.shown([found[ids[row]] for row in rows], said, alt="A picture that the model got wrong")
        return
    for row, words in zip(rows[:5], said, strict=False):
        with st.expander(f"Said {words}"):
            st.text(shortened(samples.text_of(dataset, int(ids[row])), 1500))
