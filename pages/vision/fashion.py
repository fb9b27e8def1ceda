"""Tell ten kinds of clothing apart on small grey pictures, with three dense layers and nothing else."""

from dlcore.ui.shell.page import show

TITLE = "Fashion classifier"
ICON = ":material/checkroom:"

show(
    "fashion",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
