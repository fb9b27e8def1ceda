"""Tests of the shared look of figures."""

import numpy as np
import pytest
from plotly.colors import hex_to_rgb

from dlcore.plots import attention, classification
from dlcore.ui.widgets.figure import darken


def brightness(color: str) -> float:
    """Return the mean of red, green and blue, from 0 to 255."""
    return float(np.mean(hex_to_rgb(color)))


@pytest.mark.parametrize(
    ("figure", "weak"),
    [
        (classification.confusion_matrix(np.eye(3, dtype=int), ["a", "b", "c"]), 0),
        (attention.position_similarity(np.eye(4), (2, 2)), 1),
    ],
)
def test_weak_values_are_bright_in_the_light_theme_and_dark_in_the_dark_one(figure, weak):
    assert brightness(figure.data[0].colorscale[weak][1]) > 240
    assert brightness(darken(figure).data[0].colorscale[weak][1]) < 40
