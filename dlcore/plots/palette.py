"""Colours that people with any colour vision tell apart, on light and on dark ground.

Source: Okabe and Ito, Color Universal Design (2008). Their black and yellow are left out of the order, since each
vanishes on one of the two grounds; those with enough contrast on both come first.
"""

BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GREY = "#8A8F98"

ORDER = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
"""The order in which series of one chart, or runs of one comparison, take their colours."""
