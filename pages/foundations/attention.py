"""Queries, keys, values, scores, softmax, weighted sum: every number of attention with its formula."""

from dlcore.ui.shell.page import show

TITLE = "Self-attention"
ICON = ":material/hub:"

show(
    "attention",
    panels={
        "step_by_step": "dlcore.ui.pages.attention.step_by_step:step_by_step",
        "data": "dlcore.ui.pages.attention.recall:data",
        "results": "dlcore.ui.pages.attention.recall:results",
        "predict": "dlcore.ui.pages.attention.recall:predict",
        "explain": "dlcore.ui.pages.attention.explain:explain",
    },
)
