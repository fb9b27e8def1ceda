"""Judge film reviews with an encoder-decoder Transformer, and see what each change of its recipe does."""

from dlcore.ui.shell.page import show

TITLE = "Film reviews with a Transformer"
ICON = ":material/theaters:"

show(
    "reviews_transformer",
    opens_on="improved",  # the best one
    data="dlcore.ui.modalities.classification:data",
    results="dlcore.ui.compare.comparison:results",
    try_it="dlcore.ui.modalities.classification:try_it",
    explain="dlcore.ui.modalities.explain:explain",
)
