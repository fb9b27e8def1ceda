"""Sanity checks of an alarm's attribution: completeness and agreement, with the cut-offs of every modality."""

import dataclasses

import numpy as np
import pytest

from dlcore.projects.anomaly.alarm import ErrorAttribution, check_attribution

RESULT = ErrorAttribution(
    channels=("value",),
    gradients=np.ones((4, 1)),
    ablation=np.ones((4, 1)),
    output=0.5,
    baseline_output=0.1,
    delta=0.004,
    steps=64,
    agreement=0.9,
)


def test_a_small_gap_is_complete_and_a_large_one_is_not():
    check, _ = check_attribution(RESULT, "usual")
    assert check.status == "passed" and "0.404 of the difference of 0.4" in check.sentence and "1.0%" in check.sentence
    check, _ = check_attribution(dataclasses.replace(RESULT, delta=-0.2), "usual")
    assert check.status == "failed" and "50.0%" in check.sentence and "with care" in check.sentence


@pytest.mark.parametrize(
    ("value", "status"), [(0.9, "passed"), (0.5, "mixed"), (-0.3, "failed"), (float("nan"), "not applicable")]
)
def test_agreement_of_the_two_methods(value: float, status: str):
    _, check = check_attribution(dataclasses.replace(RESULT, agreement=value), "usual")
    assert check.status == status
