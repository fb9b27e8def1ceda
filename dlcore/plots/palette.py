"""Colors that are distinguishable with any color vision, on light and dark backgrounds.

Source: Okabe and Ito, Color Universal Design (2008). Black and yellow are omitted, since each vanishes on one of the
two backgrounds; colors with enough contrast on both come first.
"""

BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
ORANGE = "#E69F00"
GREY = "#8A8F98"

ORDER = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE)
"""Order of colors for the series of a chart or the runs of a comparison."""
