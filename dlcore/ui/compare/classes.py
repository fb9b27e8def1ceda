"""Comparison of classifiers by class and by sample."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dlcore.evaluation import classification
from dlcore.plots import classification as plots
from dlcore.plots import comparison as comparison_plots
from dlcore.ui.compare.tests import TestedVariant
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

MATRICES_PER_ROW, FEW_CLASSES, MAX_SAMPLES = 3, 5, 6
"""Confusion matrices per row (two with more than `FEW_CLASSES`); samples shown per model."""
TITLE_WIDTH = 38
"""Characters per line of the title of a confusion matrix."""


def show(project: "Project", variants: Sequence[TestedVariant]) -> None:
    """Render confusion matrices, recall per class, and the samples that only one model classifies correctly."""
    labels = variants[0].bundles[0].labels
    counts = [np.stack([_confusion(bundle) for bundle in variant.bundles]) for variant in variants]
    st.subheader("Confusion matrices", anchor=False)
    if any(len(variant.bundles) > 1 for variant in variants):
        st.caption("Predictions of all seeds are counted together.")
    per_row = MATRICES_PER_ROW if len(labels) <= FEW_CLASSES and len(variants) > 2 else 2
    for start in range(0, len(variants), per_row):
        for column, index in zip(st.columns(per_row), range(start, min(start + per_row, len(variants))), strict=False):
            with column:
                title = "<br>".join(textwrap.wrap(variants[index].name, TITLE_WIDTH))
                figure = plots.confusion_matrix(counts[index].sum(axis=0), labels, title=title)
                show_figure(figure, key=f"confusion-{index}", alt=f"Confusion matrix of {variants[index].name} on test")
    recalls = [np.stack([classification.class_accuracy(matrix) for matrix in matrices]) for matrices in counts]
    figure = comparison_plots.class_accuracy(
        np.stack([recall.mean(axis=0) for recall in recalls]),
        [variant.name for variant in variants],
        labels,
        low=np.stack([recall.min(axis=0) for recall in recalls]),
        high=np.stack([recall.max(axis=0) for recall in recalls]),
    )
    show_figure(figure, key="compared-classes", alt="Recall per class, one marker per model")
    if any(len(variant.bundles) > 1 for variant in variants):
        st.caption("Whiskers: lowest to highest seed.")
    if len(variants) > 1:
        _correct_by_one(project, variants, labels)


def _confusion(bundle: "run_cache.Bundle") -> np.ndarray:
    stored = run_cache.predictions(bundle)
    scores, targets = stored["test_scores"], stored["test_targets"]
    classes = scores.shape[1]
    cells = targets.astype(np.int64) * classes + run_cache.predicted_classes(bundle, scores)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def correct_by_one_only(correct: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Return a mask (V, N) of the samples that only one of V variants classifies correctly (majority of seeds)."""
    most = np.stack([np.mean(np.stack(list(runs)), axis=0) > 0.5 for runs in correct])  # (V, N)
    only: np.ndarray = most & (most.sum(axis=0) == 1)
    return only


def _correct_by_one(project: "Project", variants: Sequence[TestedVariant], labels: tuple[str, ...]) -> None:
    st.subheader("Correct by one model only", anchor=False)
    correct = correct_by_one_only([variant.correct for variant in variants])
    stored = run_cache.predictions(variants[0].bundles[0])
    for index, variant in enumerate(variants):
        rows = np.flatnonzero(correct[index])
        st.markdown(
            f"**{variant.name}**: {len(rows):,} of {correct.shape[1]:,} test samples, which all others misclassify."
        )
        config = variants[0].bundles[0].config
        positions = samples.shipped_positions(config.dataset, stored["test_ids"])
        rows = rows if positions is None else rows[np.isin(rows, positions)]
        if len(rows) and samples.has_test_images(config):
            rows = rows[np.linspace(0, len(rows) - 1, min(MAX_SAMPLES, len(rows))).astype(np.int64)]
            ids, classes = stored["test_ids"][rows].tolist(), stored["test_targets"][rows]
            load_modality(project).show(config, ids, [labels[k] for k in classes])
