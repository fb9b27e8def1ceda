"""Tell world, sports, business and science news apart with an encoder written out after the paper."""

from dlcore.ui.shell.page import show

TITLE = "News with a Transformer"
ICON = ":material/newspaper:"

show(
    "news",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
