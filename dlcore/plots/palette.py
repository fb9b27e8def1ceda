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
