"""Read a film review word by word with an LSTM, and say whether its writer liked the film."""

from dlcore.ui.shell.page import show

TITLE = "Film reviews with an LSTM"
ICON = ":material/reviews:"

show(
    "reviews_lstm",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.pages.reviews_lstm.pooling_lesson:results",
        "predict": "dlcore.ui.modalities.predict:predict",
        "explain": "dlcore.ui.modalities.explain:explain",
    },
)
