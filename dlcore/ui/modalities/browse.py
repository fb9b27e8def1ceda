"""Browse test images of a classifier by correctness and class, with their probabilities."""

import numpy as np
import streamlit as st

from dlcore.data.custom import registry as custom_registry
from dlcore.data.sources import locate as sources
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

EVERY, RIGHT, WRONG = "All", "Correct", "Incorrect"
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
    answers = left.segmented_control(
        "Predictions", [EVERY, RIGHT, WRONG], default=EVERY, required=True, key=f"browse-answers-{project.slug}"
    )
    of_class = middle.selectbox(
        "Actual class",
        [None, *range(len(labels))],
        key=f"browse-class-{project.slug}",
        format_func=lambda k: "any class" if k is None else labels[k],
    )
    order = right.selectbox("Order", ORDERS, key=f"browse-order-{project.slug}")
    rows = select_rows(scores, targets, answers=answers or EVERY, of_class=of_class, order=order)
    if not len(rows):
        st.info("No test image matches.", icon=":material/search_off:")
        return
    at: int = st.number_input(
        f"Which of the {len(rows):,}", 1, len(rows), key=f"browse-{project.slug}-{answers}-{of_class}-{order}"
    )
    row = int(rows[at - 1])
    _one(scores[row], labels, truth=int(targets[row]), run=run, origin=int(stored["test_ids"][row]))
    following = rows[at : at + NEXT]
    if samples.is_available(run.config) and len(following):
        test_pixels = samples.load_run_images(run.config).test_pixels
        said = [labels[scores[row].argmax()] for row in following]
        marks = ["" if scores[row].argmax() == targets[row] else " ✗" for row in following]
        st.caption("Next images with predictions; ✗ marks an error")
        samples.show_images(
            [test_pixels[stored["test_ids"][row]] for row in following],
            [name + mark for name, mark in zip(said, marks, strict=True)],
            alt="Test image",
            width=76,
        )


def select_rows(
    scores: np.ndarray, targets: np.ndarray, *, answers: str, of_class: int | None, order: str
) -> np.ndarray:
    """Row numbers of the matching samples, sorted."""
    right = scores.argmax(axis=1) == targets
    wanted = {EVERY: np.ones_like(right), RIGHT: right, WRONG: ~right}[answers]
    rows = np.flatnonzero(wanted if of_class is None else wanted & (targets == of_class))
    if order == ORDERS[0]:
        return rows
    sure = scores[rows].max(axis=1)
    return rows[np.argsort(-sure if order == ORDERS[1] else sure, kind="stable")]


def _one(scores: np.ndarray, labels: tuple[str, ...], *, truth: int, run: Run, origin: int) -> None:
    dataset = run.config.dataset
    left, right = st.columns([1, 2], gap="large")
    scores = run_cache.calibrate(run.left, scores)
    answer = int(scores.argmax())
    with left:
        if samples.is_available(run.config):
            samples.show_images(
                [samples.load_run_images(run.config).test_pixels[origin]], [labels[truth]], alt="Test image", width=224
            )
        else:
            is_custom = custom_registry.is_custom(dataset)
            where = "" if is_custom else f": get {sources.get_dataset(dataset).title} under Data to see it"
            st.caption(f"The image is not on this machine{where}. Its probabilities are stored with the run.")
        verdict = "correct" if answer == truth else "incorrect"
        st.markdown(f"Predicted **{labels[answer]}** ({scores[answer]:.1%}): **{verdict}**.")
    with right:
        figure = plots.class_probabilities(scores, labels, truth=truth)
        show_figure(
            figure,
            key="browse-bars",
            alt=f"Class probabilities; highest {labels[answer]} at {scores[answer]:.1%}, actual {labels[truth]}",
        )
