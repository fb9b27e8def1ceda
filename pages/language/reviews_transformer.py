"""Classify film reviews with an encoder-decoder Transformer, and measure each training choice."""

from dlcore.ui.shell.page import show

TITLE = "Sentiment analysis with a Transformer"
ICON = ":material/theaters:"

show(
    "reviews_transformer",
    opens_on="improved",  # the best one
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
