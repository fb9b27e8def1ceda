"""Classify news as world, sports, business or science with a Transformer encoder."""

from dlcore.ui.shell.page import show

TITLE = "News classification"
ICON = ":material/newspaper:"

show(
    "news",
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
