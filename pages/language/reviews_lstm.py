"""Read a film review word by word with an LSTM, and say whether its writer liked the film."""

from dlcore.ui.shell.page import show

TITLE = "Film reviews with an LSTM"
ICON = ":material/reviews:"

show(
    "reviews_lstm",
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.pages.reviews_lstm.pooling_lesson:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
