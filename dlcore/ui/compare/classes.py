"""Classifiers side by side, class by class and picture by picture."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dlcore.evaluation import classification
from dlcore.plots import classification as plots
from dlcore.plots import comparison as side_by_side
from dlcore.ui.compare.tests import TestedVariant
from dlcore.ui.modalities.modality import load_modality
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

if TYPE_CHECKING:
    from dlcore.projects.project import Project

ACROSS, FEW, ALONE = 3, 5, 6
"""Confusion matrices in a row, two of more classes than `FEW`; samples shown that one model alone gets right."""
LINE = 38
"""Letters of a title in a line above a confusion matrix."""


def show(project: "Project", arms: Sequence[TestedVariant]) -> None:
    """Confusion matrices, accuracy by class, and what each model alone gets right."""
    labels = arms[0].bundles[0].labels
    counts = [np.stack([_confusion(bundle) for bundle in arm.bundles]) for arm in arms]
    st.subheader("What is taken for what", anchor=False)
    if any(len(arm.bundles) > 1 for arm in arms):
        st.caption("Of several seeds all answers are counted together.")
    across = ACROSS if len(labels) <= FEW and len(arms) > 2 else 2
    for start in range(0, len(arms), across):
        for column, place in zip(st.columns(across), range(start, min(start + across, len(arms))), strict=False):
            with column:
                title = "<br>".join(textwrap.wrap(arms[place].arm, LINE))
                figure = plots.confusion_matrix(counts[place].sum(axis=0), labels, title=title)
                show_figure(figure, key=f"confusion-{place}", alt=f"Confusion matrix of {arms[place].arm} on test")
    shares = [np.stack([classification.class_accuracy(one) for one in found]) for found in counts]
    figure = side_by_side.class_accuracy(
        np.stack([found.mean(axis=0) for found in shares]),
        [arm.arm for arm in arms],
        labels,
        low=np.stack([found.min(axis=0) for found in shares]),
        high=np.stack([found.max(axis=0) for found in shares]),
    )
    show_figure(figure, key="compared-classes", alt="Share of right answers by class, a mark for each model")
    if any(len(arm.bundles) > 1 for arm in arms):
        st.caption("Whiskers reach from the lowest to the highest seed.")
    if len(arms) > 1:
        _alone(project, arms, labels)


def _confusion(bundle: "run_cache.Bundle") -> np.ndarray:
    stored = run_cache.predictions(bundle)
    scores, targets = stored["test_scores"], stored["test_targets"]
    classes = scores.shape[1]
    cells = targets.astype(np.int64) * classes + run_cache.predicted_classes(bundle, scores)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def correct_by_one_only(right: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Which samples one arm alone gets right, (A, N): most of its seeds do, and most of every other arm's do not."""
    most = np.stack([np.mean(np.stack(list(runs)), axis=0) > 0.5 for runs in right])  # (A, N)
    found: np.ndarray = most & (most.sum(axis=0) == 1)
    return found


def _alone(project: "Project", arms: Sequence[TestedVariant], labels: tuple[str, ...]) -> None:
    st.subheader("What each one alone gets right", anchor=False)
    found = correct_by_one_only([arm.right for arm in arms])
    stored = run_cache.predictions(arms[0].bundles[0])
    for place, arm in enumerate(arms):
        rows = np.flatnonzero(found[place])
        st.markdown(f"**{arm.arm}**: {len(rows):,} of {found.shape[1]:,} test samples, which the others get wrong.")
        config = arms[0].bundles[0].config
        if len(rows) and samples.is_available(config):
            rows = rows[np.linspace(0, len(rows) - 1, min(ALONE, len(rows))).astype(np.int64)]
            ids, classes = stored["test_ids"][rows].tolist(), stored["test_targets"][rows]
            load_modality(project).show(config, ids, [labels[k] for k in classes])
