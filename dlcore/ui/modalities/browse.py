"""Browse a classifier's test images by correctness and class, with class probabilities."""

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.custom import registry as custom_registry
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.shell.download_offer import download_hint
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.bars import show_probabilities

ALL, CORRECT, INCORRECT = "All", "Correct", "Incorrect"
ORDERS = ("dataset order", "most confident first", "least confident first")
NEXT = 8
"""Number of previews."""


@fragment
def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Filter test images and show them one by one."""
    stored, labels = run_cache.predictions(bundle), bundle.labels
    scores, targets = stored["test_scores"], stored["test_targets"]
    st.subheader("Test images", anchor=False)
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    correctness = left.segmented_control(
        "Predictions",
        [ALL, CORRECT, INCORRECT],
        default=ALL,
        required=True,
        key=f"browse-answers-{project.slug}",
        bind="query-params",
    )
    actual = middle.selectbox(
        "Actual class",
        [None, *range(len(labels))],
        key=f"browse-class-{project.slug}",
        bind="query-params",
        format_func=lambda k: "any class" if k is None else labels[k],
    )
    order = right.selectbox("Order", ORDERS, key=f"browse-order-{project.slug}", bind="query-params")
    rows = select_rows(scores, targets, correctness=correctness or ALL, actual=actual, order=order)
    positions = samples.shipped_positions(run.config.dataset, stored["test_ids"])
    if positions is not None:
        rows = rows[np.isin(rows, positions)]
        st.caption(samples.describe_shipped(run.config.dataset, len(targets)))
    if not len(rows):
        st.info("No test image matches.", icon=":material/search_off:")
        return
    position: int = st.number_input(
        f"Image, 1 to {len(rows):,}", 1, len(rows), key=f"browse-{project.slug}-{correctness}-{actual}-{order}"
    )
    row = int(rows[position - 1])
    _show_sample(scores[row], labels, truth=int(targets[row]), run=run, origin=int(stored["test_ids"][row]))
    following = rows[position : position + NEXT]
    if samples.has_test_images(run.config) and len(following):
        predicted = [labels[scores[row].argmax()] for row in following]
        marks = ["" if scores[row].argmax() == targets[row] else " ✗" for row in following]
        st.caption("Next images with predictions; ✗ marks an error")
        samples.show_images(
            [samples.get_test_image(run.config, int(stored["test_ids"][row])) for row in following],
            [name + mark for name, mark in zip(predicted, marks, strict=True)],
            alt="Test image",
            width=76,
        )


def select_rows(
    scores: np.ndarray, targets: np.ndarray, *, correctness: str, actual: int | None, order: str
) -> np.ndarray:
    """Return the row numbers of the matching samples, sorted."""
    is_correct = scores.argmax(axis=1) == targets
    matches = {ALL: np.ones_like(is_correct), CORRECT: is_correct, INCORRECT: ~is_correct}[correctness]
    rows = np.flatnonzero(matches if actual is None else matches & (targets == actual))
    if order == ORDERS[0]:
        return rows
    confidence = scores[rows].max(axis=1)
    return rows[np.argsort(-confidence if order == ORDERS[1] else confidence, kind="stable")]


def _show_sample(scores: np.ndarray, labels: tuple[str, ...], *, truth: int, run: Run, origin: int) -> None:
    dataset = run.config.dataset
    left, right = st.columns([1, 2], gap="large")
    scores = run_cache.calibrate(run.finished_bundle, scores)
    predicted = int(scores.argmax())
    with left:
        if samples.has_test_images(run.config):
            image = samples.get_test_image(run.config, origin)
            samples.show_images([image], [labels[truth]], alt="Test image", width=224)
        else:
            hint = "" if custom_registry.is_custom(dataset) else download_hint(dataset)
            st.caption(f"The image is not on this machine. Its probabilities are stored with the run.{hint}")
        verdict = "correct" if predicted == truth else "incorrect"
        st.markdown(f"Predicted **{as_text(labels[predicted])}** ({format_percent(scores[predicted])}): **{verdict}**.")
    with right:
        show_probabilities(scores, labels, truth=truth)
