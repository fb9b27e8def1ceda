"""A BERT that has read millions of sentences turns a film review into numbers; a GRU or an LSTM judges it."""

from dlcore.ui.shell.page import show

TITLE = "Film reviews with BERT"
ICON = ":material/neurology:"

show(
    "reviews_bert",
    panels={
        "data": "dlcore.ui.pages.reviews_bert.data:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
