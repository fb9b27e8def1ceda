"""Forecast thirteen readings of a city's air at once, and see what a network adds to copying the last hour."""

from dlcore.ui.shell.page import show

TITLE = "Air quality"
ICON = ":material/airwave:"

show(
    "forecast",
    panels={
        "data": "dlcore.ui.pages.forecast.data:data",
        "results": "dlcore.ui.pages.forecast.results:results",
        "predict": "dlcore.ui.pages.forecast.predict:try_it",
        "explain": "dlcore.ui.pages.forecast.explain:explain",
    },
)
