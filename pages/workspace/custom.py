"""Paste a PyTorch network: it is checked, trained, evaluated and explained like the built-in ones."""

from dlcore.ui.shell.page import show

TITLE = "Your network"
ICON = ":material/code_blocks:"

show(
    "custom",
    first_panel="code",
    labels={"code": "Code"},
    panels={
        "code": "dlcore.ui.pages.custom.code:code",
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.gallery:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
