"""Inspect layers, parameters and the graph of any network; detect outliers with an autoencoder."""

from dlcore.ui.shell.page import show

TITLE = "Anatomy of a network"
ICON = ":material/account_tree:"

show(
    "anatomy",
    panels={
        "step_by_step": "dlcore.ui.pages.anatomy.step_by_step:step_by_step",
        "data": "dlcore.ui.pages.anatomy.results:data",
        "results": "dlcore.ui.pages.anatomy.results:results",
        "predict": "dlcore.ui.pages.anatomy.predict:predict",
        "explain": "dlcore.ui.pages.anatomy.explain:explain",
    },
)
