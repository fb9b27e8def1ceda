"""Tell from a question whether a person, a place, a number or a thing is asked for: RNN, GRU and LSTM."""

from dlcore.ui.shell.page import show

TITLE = "What questions ask for"
ICON = ":material/quiz:"

show(
    "questions",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
