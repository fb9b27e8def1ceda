"""Colours that people with any colour vision tell apart, on light and on dark ground.

Source: Okabe and Ito, Color Universal Design (2008). Their black and yellow are left out of the order, since each
vanishes on one of the two grounds.
"""

from collections.abc import Sequence

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
GREY = "#8A8F98"

ORDER = (SKY, ORANGE, GREEN, PURPLE, VERMILLION, BLUE)
"""The order in which series of one chart, or runs of one comparison, take their colours."""


def colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name, the same wherever the same names come in the same order; they repeat after six."""
    return {name: ORDER[i % len(ORDER)] for i, name in enumerate(names)}
