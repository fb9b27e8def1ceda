"""Tell from a question whether a person, a place, a number or a thing is asked for: RNN, GRU and LSTM."""

from dlcore.ui.shell.page import show

TITLE = "What questions ask for"
ICON = ":material/quiz:"

show(
    "questions",
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.compare.comparison:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
