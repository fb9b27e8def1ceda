"""A NumPy network learns to read digits: every number of its forward and backward pass."""

from dlcore.ui.shell.page import show

TITLE = "Backpropagation from scratch"
ICON = ":material/function:"

show(
    "backprop",
    first_panel="explain",
    labels={"explain": "Step by step"},
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.modalities.results:results",
        "predict": "dlcore.ui.pages.backprop.predict:predict",
        "explain": "dlcore.ui.pages.backprop.walk:explain",
    },
)
