"""Split an image into patches, attend between them, and see what each head attends to."""

from dlcore.ui.shell.page import show

TITLE = "Vision Transformer"
ICON = ":material/grid_view:"

show(
    "vit",
    opens_on="hybrid",  # the best one with attention
    first_panel="explain",
    panels={
        "data": "dlcore.ui.modalities.overview:data",
        "results": "dlcore.ui.compare.comparison:results",
        "predict": "dlcore.ui.pages.vit.predict:predict",
        "explain": "dlcore.ui.pages.vit.attention:explain",
    },
)
