"""Fine-tune a pretrained network on photos of ten dishes, and upload your own photo."""

from dlcore.ui.shell.page import show

TITLE = "Food photo classification"
ICON = ":material/restaurant:"

show(
    "food",
    first_panel="predict",
    panels={
        "data": "dlcore.ui.pages.food.data:data",
        "results": "dlcore.ui.pages.food.results:results",
        "predict": "dlcore.ui.pages.food.predict:predict",
        "explain": "dlcore.ui.pages.food.explain:explain",
    },
)
