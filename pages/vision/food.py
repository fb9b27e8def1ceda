"""Teach a network that knows a million photographs ten dishes from eighty photos each, and upload your own."""

from dlcore.ui.page import show

TITLE = "Food photos"
ICON = ":material/restaurant:"

show(
    "food",
    data="dlcore.ui.panels.food_data:data",
    results="dlcore.ui.panels.food_results:results",
    try_it="dlcore.ui.panels.food_try:try_it",
    explain="dlcore.ui.panels.food_explain:explain",
)
