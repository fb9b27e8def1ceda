"""Queries, keys, values, scores, softmax, weighted sum: every number of attention opened to its formula."""

from dlcore.ui.page import show

TITLE = "Self-attention"
ICON = ":material/hub:"

show(
    "attention",
    step_by_step="dlcore.ui.panels.attention:step_by_step",
    data="dlcore.ui.panels.attention_recall:data",
    results="dlcore.ui.panels.attention_recall:results",
    try_it="dlcore.ui.panels.attention_recall:try_it",
    explain="dlcore.ui.panels.attention_answers:explain",
)
