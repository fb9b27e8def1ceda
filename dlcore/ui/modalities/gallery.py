"""Panel Predict of image classifiers: test images with their predictions, or the user's image."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.gallery.component import Thumbnail, show_gallery
from dlcore.ui.modalities import predict as classifier_predict
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache, samples

COUNT = 15
"""Test images in the gallery."""


def predict(project: Project, run: Run | None) -> dict[str, Any] | None:
    """Draw the panel; returns the prediction of an uploaded image."""
    return classifier_predict.predict(project, run, show_sample=show_samples)


def show_samples(project: Project, run: Run, bundle: Bundle) -> None:
    """Show the first test images with their predicted classes, and the class probabilities of the selected one."""
    if not samples.has_test_images(run.config):
        classifier_predict.test_sample(project, run, bundle)
        return
    stored, labels = run_cache.predictions(bundle), bundle.labels
    with main_picture():
        picture = st.container()
    row = classifier_predict.pick_sample(project, run.config.dataset, stored["test_ids"], key="sample")
    truth = int(stored["test_targets"][row])
    with picture:
        left, right = st.columns(2)
        with left:
            _gallery(project, run, bundle, row)
        with right:
            prediction = run_cache.stored_prediction(bundle, row)
            image, answer = st.columns([1, 3], vertical_alignment="center")
            with image:
                pixels = samples.get_test_image(run.config, int(stored["test_ids"][row]))
                samples.show_images([pixels], [labels[truth]], alt="Test image", width=96)
            verdict = "correct" if prediction["label"] == labels[truth] else "incorrect"
            answer.markdown(f"Actual: “{as_text(labels[truth])}”. The prediction is **{verdict}**.")
            classifier_predict.show_prediction(prediction, bundle, truth=truth)


def _gallery(project: Project, run: Run, bundle: Bundle, row: int) -> None:
    stored, labels = run_cache.predictions(bundle), bundle.labels
    shipped = samples.shipped_positions(run.config.dataset, stored["test_ids"])
    rows = np.arange(COUNT) if shipped is None else shipped[:COUNT]
    rows = rows[rows < len(stored["test_ids"])]
    images = samples.find_test_images(run.config, stored["test_ids"][rows].tolist())
    predicted = run_cache.predicted_classes(bundle, stored["test_scores"][rows])
    thumbnails = [
        Thumbnail(samples.shrink(pixels, side=128), labels[k] + ("" if k == truth else f" ✗ ({labels[truth]})"))
        for pixels, k, truth in zip(images, predicted, stored["test_targets"][rows], strict=True)
        if pixels is not None
    ]
    show_gallery(
        thumbnails,
        selected=int(np.flatnonzero(rows == row)[0]) if row in rows else -1,
        on_select=partial(
            classifier_predict.select_sample, project, key="sample" if shipped is None else "sample-shipped"
        ),
        label="Test images with their predicted classes",
        key=f"gallery-{project.slug}",
    )
    st.caption("The first test images with their predictions. ✗: wrong, with the actual class.")
