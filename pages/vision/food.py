"""Teach a network that knows a million photographs ten dishes from eighty photos each, and upload your own."""

from dlcore.ui.shell.page import show

TITLE = "Food photos"
ICON = ":material/restaurant:"

show(
    "food",
    panels={
        "data": "dlcore.ui.pages.food.data:data",
        "results": "dlcore.ui.pages.food.results:results",
        "predict": "dlcore.ui.pages.food.predict:try_it",
        "explain": "dlcore.ui.pages.food.explain:explain",
    },
)
