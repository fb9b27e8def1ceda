"""A network in NumPy alone learns to read digits; open every number of its way forward and back."""

from dlcore.ui.shell.page import show

TITLE = "Backpropagation by hand"
ICON = ":material/function:"

show(
    "backprop",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.modalities.results:results",
        "predict": "dlcore.ui.pages.backprop.predict:try_it",
        "explain": "dlcore.ui.pages.backprop.walk:explain",
    },
)
