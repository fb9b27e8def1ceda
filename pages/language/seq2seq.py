"""Translate one sequence into another with a Transformer: dates, reversing, sorting."""

from dlcore.ui.shell.page import show

TITLE = "Sequence to sequence"
ICON = ":material/translate:"

show(
    "seq2seq",
    opens_on="transformer",
    first_panel="predict",
    panels={
        "data": "dlcore.ui.pages.seq2seq.data:data",
        "results": "dlcore.ui.pages.seq2seq.results:results",
        "predict": "dlcore.ui.pages.seq2seq.predict:predict",
        "explain": "dlcore.ui.pages.seq2seq.explain:explain",
    },
)
