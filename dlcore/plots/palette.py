"""Color-blind safe palette for light and dark backgrounds.

Source: Okabe and Ito, Color Universal Design (2008), without black and yellow, which vanish on one of the backgrounds.
"""

BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GRAY = "#8A8F98"

ORDER = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
"""Order of colors for the traces of a figure."""

LIGHT_SHARES = ((0.0, "#F7FBFF"), (1.0, "#08519C"))
DARK_SHARES = ((0.0, "#16202B"), (1.0, "#0E6FB3"))
"""Color scales from no share to the whole, opaque, so that numbers in the cells contrast with them."""
LIGHT_SIGNED = ((0.0, BLUE), (0.5, "#F7F7F7"), (1.0, VERMILLION))
DARK_SIGNED = ((0.0, SKY), (0.5, "#16202B"), (1.0, VERMILLION))
"""Color scales from negative over zero to positive values."""
DARK = {LIGHT_SHARES: DARK_SHARES, LIGHT_SIGNED: DARK_SIGNED}
"""Color scale of the light theme -> of the dark one."""
