"""How sure a classifier is: the reliability diagram, and what a temperature fitted on validation makes of it."""

import numpy as np
import streamlit as st

from dlcore.evaluation import calibration, classification
from dlcore.evaluation.classification import ReliabilityBins
from dlcore.plots.calibration import reliability
from dlcore.runs import Bundle
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

ONE = 0.02
"""A temperature this near to 1 changes nothing."""
FEWEST = 5
"""Bins of fewer samples are not drawn: the share right of one sample is 0 or 100 %."""


def show_calibration(bundle: Bundle) -> None:
    """Confidence against truth on test, as the model answers and with the temperature."""
    stored = run_cache.predictions(bundle)
    scores, targets = stored["test_scores"], stored["test_targets"]
    st.subheader("How sure it is", anchor=False)
    drawn = {"model": _bins(scores, targets)}
    errors = [classification.metrics(scores, targets)["ece"]]
    temperature = None
    if "validation_scores" in stored and len(stored["validation_targets"]):
        temperature = _fitted(run_cache.bundle_key(bundle), _stored=stored)
        cooled = calibration.apply_temperature(scores, temperature)
        drawn["with temperature"] = _bins(cooled, targets)
        errors.append(classification.metrics(cooled, targets)["ece"])
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with left:
        show_figure(reliability(drawn), key="calibration", alt=f"Reliability diagram; mean gap {errors[0]:.1%}")
    right.markdown(describe_calibration(scores, targets, temperature, errors))


def _bins(scores: np.ndarray, targets: np.ndarray) -> ReliabilityBins:
    found = classification.calibration(scores, targets)
    enough = found.count >= min(FEWEST, found.count.max())
    return ReliabilityBins(found.confidence[enough], found.accuracy[enough], found.count[enough])


@st.cache_data(max_entries=16, show_spinner=False)
def _fitted(key: str, _stored: dict[str, np.ndarray]) -> float:
    return calibration.fit_temperature(_stored["validation_scores"], _stored["validation_targets"])


def describe_calibration(
    scores: np.ndarray, targets: np.ndarray, temperature: float | None, errors: list[float]
) -> str:
    """The diagram in words: probabilities (N, K), the temperature, and the calibration errors without and with it."""
    sure, right = float(scores.max(axis=1).mean()), float((scores.argmax(axis=1) == targets).mean())
    answers = "answers (the likelier class, whatever the threshold)" if scores.shape[1] == 2 else "answers"
    words = (
        f"On average it is {sure:.1%} sure and {right:.1%} of its {answers} are right; the mean gap by bin (ECE) is "
        f"{errors[0]:.1%}. Below the dotted line it is surer than it should be; larger dots hold more samples, and "
        f"bins of fewer than {FEWEST} are not drawn."
    )
    if temperature is None:
        return words
    if abs(temperature - 1) < ONE:
        return f"{words} The temperature that suits validation best is {temperature:.2f}: there is nothing to correct."
    way = "less sure, as it was too sure" if temperature > 1 else "surer, as it was too modest"
    return (
        f"{words} Dividing the scores before the softmax by {temperature:.2f}, chosen on validation and never on test, "
        f"makes it {way}: the gap becomes {errors[1]:.1%}. No answer changes (Guo et al. 2017)."
    )
