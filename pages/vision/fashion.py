"""Classify ten kinds of clothing on small gray images with three dense layers."""

from dlcore.ui.shell.page import show

TITLE = "Fashion classification"
ICON = ":material/checkroom:"

show(
    "fashion",
    opens_on="improved",  # the best one
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.gallery:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
