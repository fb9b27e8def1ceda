"""An alarm's explanation in words: whether it adds up, and whether the two methods agree."""

import dataclasses

import numpy as np

from dlcore.projects.anomaly.alarm import ErrorAttribution
from dlcore.ui.pages.anomaly.explain import adds_up, agree

FOUND = ErrorAttribution(
    channels=("value",),
    gradients=np.ones((4, 1)),
    ablation=np.ones((4, 1)),
    output=0.5,
    floor=0.1,
    delta=0.004,
    steps=64,
    agreement=0.9,
)


def test_a_small_gap_is_trusted_and_a_large_one_is_not():
    result = adds_up(FOUND, "the usual")
    assert "0.404 where the difference is 0.4" in result and "1.0%" in result and "close enough" in result
    result = adds_up(dataclasses.replace(FOUND, delta=-0.2), "the usual")
    assert "50.0%" in result and "with care" in result


def test_agreement_is_said_in_words():
    for value, word in ((0.9, "same story"), (0.5, "in part"), (-0.3, "disagree"), (float("nan"), "too little")):
        assert word in agree(dataclasses.replace(FOUND, agreement=value))
