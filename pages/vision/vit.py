"""Cut a picture into patches, let each look at all the others, and watch where every head looks."""

from dlcore.ui.shell.page import show

TITLE = "Vision Transformer"
ICON = ":material/grid_view:"

show(
    "vit",
    opens_on="hybrid",  # the best one, and one with attention
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.pages.vit.predict:try_it",
        "explain": "dlcore.ui.pages.vit.attention:explain",
    },
)
