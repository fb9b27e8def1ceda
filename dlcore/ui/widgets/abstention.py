"""What a classifier gains by not answering: accuracy by coverage, and sets of classes with stated coverage."""

import numpy as np
import streamlit as st

from dlcore.evaluation import conformal
from dlcore.evaluation.abstention import accuracy_at, accuracy_by_coverage
from dlcore.evaluation.calibration import apply_temperature
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.calibration import abstention_curve
from dlcore.runs import Bundle
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

SHARES = (0.9, 0.8, 0.5)


def show_abstention(bundle: Bundle) -> None:
    """Draw accuracy against coverage on test, beside the coverage of prediction sets; nothing without calibration."""
    rule = run_cache.calibration(bundle)
    if rule is None:
        return
    stored = run_cache.predictions(bundle)
    targets, scores = stored["test_targets"], apply_temperature(stored["test_scores"], rule.temperature)
    correct = run_cache.predicted_classes(bundle, stored["test_scores"]) == targets
    curve = accuracy_by_coverage(scores.max(axis=1), correct)
    st.subheader("Abstention", anchor=False)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    text = describe_curve(curve)
    with left:
        show_figure(abstention_curve(curve), key="abstention", alt=text)
    sets = conformal.measure_sets(scores, targets, rule.set_limit) if rule.set_limit else None
    right.markdown(f"{text}\n\n{describe_sets(sets)}")


def describe_curve(curve: np.ndarray) -> str:
    """Say how accurate the most confident predictions are."""
    parts = [f"{format_percent(accuracy_at(curve, share))} for {share:.0%}" for share in SHARES]
    return (
        f"Accuracy {format_percent(float(curve[-1]))} if all are answered; of the most confident, {', '.join(parts)}."
    )


def describe_sets(sets: conformal.SetCoverage | None) -> str:
    """Say how often prediction sets contain the actual class, and how large they are."""
    if sets is None:
        return "Too few validation samples for prediction sets."
    return (
        f"Prediction sets for {sets.level:.0%} coverage, fitted on validation, contain the actual class of "
        f"{format_percent(sets.coverage)} [{100 * sets.low:.1f}, {100 * sets.high:.1f}] of {sets.n:,} test samples. "
        f"Mean size: {sets.mean_size:.2f} classes."
    )
