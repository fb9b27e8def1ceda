"""Classify what a question asks for (a person, a place, a number) with an RNN, GRU or LSTM."""

from dlcore.ui.shell.page import show

TITLE = "Question classification"
ICON = ":material/quiz:"

show(
    "questions",
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
