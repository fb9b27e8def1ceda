"""Panel Results of classifiers: metrics and baselines, decision threshold, confusion, errors, curves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation import classification
from dlcore.evaluation.metrics import format_metric, format_percent
from dlcore.plots import classification as plots
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Bundle, Curve, Run
from dlcore.runs.views.threshold import threshold_view
from dlcore.ui.components.epochs.component import show_epochs
from dlcore.ui.components.threshold.component import show_threshold
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.train import preset
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.abstention import show_abstention
from dlcore.ui.widgets.calibration import show_calibration
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

EPOCHS_HELP = (
    "Predictions of validation samples after each epoch, as the run recorded them. Embedding: penultimate features in "
    "two dimensions, aligned between epochs. Click a cell of the matrix, or drag over points, to select a group."
)
MAX_ERRORS = 16
MAX_NAMED = 5
"""Classes named in a sentence."""


def results(project: Project, run: Run | None) -> None:
    """Show metrics and baselines, confusion matrix or threshold, calibration, errors and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="its metrics, errors and curves")
    if bundle is None or run is None:
        return
    record, evaluation = run.record, run_cache.evaluation(bundle)
    scores, targets = _test(bundle)
    st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'accuracy')}")
    score_table(evaluation, title=project.models[record.model].title, n=len(targets), unit="samples")
    if not record.is_watched and record.preset == preset.FULL and (other := preset.differences_from_full(run.config)):
        st.caption(f"Differs from the full preset of {project.models[record.model].title}: {other}.")
    if scores.shape[1] == 2:
        _show_threshold_panel(bundle, 0.5 if evaluation.threshold is None else evaluation.threshold)
    else:
        _show_classes(bundle)
    _show_epochs(bundle)
    if project.modality:
        load_modality(project).browse(project, run, bundle)
    show_calibration(bundle)
    show_abstention(bundle)
    _show_errors(project, run, bundle)
    show_learning_curves(
        bundle,
        record,
        loss="Cross-entropy loss (log scale). Validation rising while training falls: overfitting.",
        accuracy="Accuracy. Training accuracy is a mean over the epoch, so it lags behind.",
    )
    st.markdown(losses(run_cache.history(bundle), evaluation, record.best.epoch if record.best else 0))


def _test(bundle: Bundle) -> tuple[np.ndarray, np.ndarray]:
    stored = run_cache.predictions(bundle)
    return stored["test_scores"], stored["test_targets"]


@fragment
def _show_threshold_panel(bundle: Bundle, run_threshold: float) -> None:
    """Draw the decision threshold on the probability of the second class."""
    st.subheader("Decision threshold", anchor=False)
    view = threshold_view(run_cache.predictions(bundle), bundle.labels, run_threshold)
    released = show_threshold(view, key=run_cache.bundle_key(bundle))
    scores, targets = _test(bundle)
    metrics = classification.metrics(scores, targets, threshold=released.threshold)
    st.caption(
        f"A sample is predicted as “{as_text(bundle.labels[1])}” from the threshold on. The run's threshold "
        f"{run_threshold:.3f} was chosen on validation. Test accuracy at {released.threshold:.3f}: "
        f"**{format_metric('accuracy', metrics['accuracy'])}**. Moving it does not change the stored scores above."
    )


def _show_classes(bundle: Bundle) -> None:
    scores, targets = _test(bundle)
    counts = classification.confusion_matrix(scores, targets)
    st.subheader("Results per class", anchor=False)
    left, right = st.columns([3, 2])
    with left:
        _show_confusion(counts, bundle.labels)
    with right:
        share = 100 * classification.class_accuracy(counts)
        indices = np.flatnonzero(counts.sum(axis=1))  # classes without test samples have no recall
        names = [bundle.labels[k] for k in indices]
        figure = plots.class_bars(share[indices], names, title="Recall per class", unit="recall, %", sort=True)
        text = describe_hardest(share[indices], names)
        show_figure(figure, key="by-class", alt=f"Recall per class; {text}")
        st.caption(as_text(text))


def _show_epochs(bundle: Bundle) -> None:
    """Draw predictions of validation samples with a slider over the epochs, for a run that recorded them."""
    data = run_cache.epochs(bundle)
    if data is not None:
        st.subheader("Epochs", anchor=False, help=EPOCHS_HELP)
        show_epochs(data, key=f"epochs-{run_cache.bundle_key(bundle)}")


def describe_hardest(recall: np.ndarray, names: Sequence[str]) -> str:
    """Name the class with the lowest recall (K,) in percent, or how many classes are never predicted correctly."""
    never = [name for name, value in zip(names, recall, strict=True) if value == 0]
    if len(never) > 1:
        listed = ", ".join(f"“{name}”" for name in never[:MAX_NAMED]) + (", …" if len(never) > MAX_NAMED else "")
        return f"{len(never)} of {len(names)} classes have recall 0: {listed}."
    return f"Lowest recall: “{names[int(recall.argmin())]}”, {recall.min():.1f} %."


def _show_confusion(counts: np.ndarray, labels: tuple[str, ...]) -> None:
    figure = plots.confusion_matrix(counts, labels, title="Confusion matrix (test)")
    errors = counts - np.diag(counts.diagonal())
    actual, predicted = np.unravel_index(int(errors.argmax()), errors.shape)
    most = f"most often “{labels[actual]}” is predicted as “{labels[predicted]}” ({int(errors.max()):,} times)"
    show_figure(figure, key="confusion", alt=f"Confusion matrix; {most}")
    st.caption(f"Rows: actual. Columns: predicted. Color: share of the row. Diagonal: correct; {as_text(most)}.")


def _show_errors(project: Project, run: Run, bundle: Bundle) -> None:
    scores, targets = _test(bundle)
    ids, labels = run_cache.predictions(bundle)["test_ids"], bundle.labels
    st.subheader("Most confident errors", anchor=False)
    st.caption("Test errors with the highest predicted probability.")
    threshold = run_cache.evaluation(bundle).threshold
    rows = classification.most_confident_errors(
        scores, targets, threshold=0.5 if threshold is None else threshold, count=MAX_ERRORS
    )
    if not len(rows):
        st.success("No errors on the test split.", icon=":material/check_circle:")
        return
    predicted = run_cache.predicted_classes(bundle, scores)
    texts = [
        f"{labels[predicted[row]]} {format_percent(scores[row, predicted[row]], digits=0)}, is {labels[targets[row]]}"
        for row in rows
    ]
    if project.modality:
        load_modality(project).show(run.config, [int(ids[row]) for row in rows], texts)
    else:
        listed = [{"Sample": int(ids[row]), "Predicted, actual": text} for row, text in zip(rows, texts, strict=True)]
        st.dataframe(pd.DataFrame(listed), hide_index=True, alt="Most confident errors, one per row")


def losses(history: Mapping[str, Curve], evaluation: Evaluation, epoch: int) -> str:
    """Describe loss and accuracy of the three splits at the best epoch; empty without curves."""
    parts = []
    for metric in ("loss", "accuracy"):
        values = {}
        for part in ("train", "validation"):
            curve = history.get(f"{part}_{metric}")
            if curve is not None and len(curve.values) >= epoch > 0:
                values[part] = float(curve.values[epoch - 1])
        if len(values) == 2 and metric in evaluation.metrics:
            values["test"] = evaluation.metrics[metric]
            text = ", ".join(f"{part} {format_metric(metric, value)}" for part, value in values.items())
            parts.append(f"**{metric.capitalize()}** at epoch {epoch}: {text}.")
    if not parts:
        return ""
    return " ".join(parts) + " Training values are means over the epoch, with dropout and augmentation."
