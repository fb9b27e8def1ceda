"""Classify film reviews as positive or negative with an LSTM that reads word by word."""

from dlcore.ui.shell.page import show

TITLE = "Sentiment analysis with an LSTM"
ICON = ":material/reviews:"

show(
    "reviews_lstm",
    opens_on="distilled",  # the best one
    first_panel="predict",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.pages.reviews_lstm.pooling_lesson:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
