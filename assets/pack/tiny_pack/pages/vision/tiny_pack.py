"""Names the shape in a small drawn image."""

from dlcore.ui.shell.page import show

TITLE = "Tiny pack"
ICON = ":material/category:"

show(
    "tiny_pack",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.modalities.results:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
