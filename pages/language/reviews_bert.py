"""Classify film reviews with a GRU or LSTM on the states of a frozen BERT."""

from dlcore.ui.shell.page import show

TITLE = "Sentiment analysis with BERT"
ICON = ":material/neurology:"

show(
    "reviews_bert",
    opens_on="lstm",  # the best one
    first_panel="predict",
    panels={
        "data": "dlcore.ui.pages.reviews_bert.data:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
