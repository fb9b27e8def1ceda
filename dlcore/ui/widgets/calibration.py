"""Calibration of a classifier: reliability diagram before and after temperature scaling."""

import numpy as np
import streamlit as st

from dlcore.evaluation import calibration, classification
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.calibration import reliability
from dlcore.runs import Bundle
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

NEAR_ONE = 0.02
"""Temperatures this close to 1 count as no change."""


def show_calibration(bundle: Bundle) -> None:
    """Draw confidence against accuracy on test, raw and calibrated."""
    stored = run_cache.predictions(bundle)
    scores, targets = stored["test_scores"], stored["test_targets"]
    st.subheader("Calibration", anchor=False)
    curves = {"raw": classification.plotted_bins(scores, targets)}
    errors = [classification.metrics(scores, targets)["ece"]]
    rule = run_cache.calibration(bundle)
    if rule is not None:
        calibrated = calibration.apply_temperature(scores, rule.temperature)
        curves["calibrated"] = classification.plotted_bins(calibrated, targets)
        errors.append(classification.metrics(calibrated, targets)["ece"])
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with left:
        show_figure(
            reliability(curves),
            key="calibration",
            alt=f"Reliability diagram; calibration error {format_percent(errors[0])}",
        )
    right.markdown(describe_calibration(scores, targets, rule, errors))


def describe_calibration(
    scores: np.ndarray, targets: np.ndarray, rule: AbstentionRule | None, errors: list[float]
) -> str:
    """Describe raw probabilities (N, K), the rule, and the calibration errors before and after it."""
    confidence, accuracy = float(scores.max(axis=1).mean()), float((scores.argmax(axis=1) == targets).mean())
    which = " (of the more probable class, for any threshold)" if scores.shape[1] == 2 else ""
    words = (
        f"Mean confidence {format_percent(confidence)}, accuracy {format_percent(accuracy)}{which}. Expected "
        f"calibration error (ECE): {format_percent(errors[0])}. Below the dotted line the model is overconfident. "
        f"Larger dots hold more samples; bins of fewer than {classification.MIN_SAMPLES} are not drawn."
    )
    if rule is None:
        return words
    if abs(rule.temperature - 1) < NEAR_ONE:
        return f"{words} The temperature fitted on validation is {rule.temperature:.2f}: no correction needed."
    before = "overconfident" if rule.temperature > 1 else "underconfident"
    effect = "reduces the error to" if errors[1] < errors[0] else "does not help on test: the error becomes"
    return (
        f"{words} On validation the model is {before}. Temperature {rule.temperature:.2f}, fitted there, {effect} "
        f"{format_percent(errors[1])}. No prediction changes (Guo et al. 2017)."
    )
