"""Forecast every variable of a table up to two days ahead, and compare with persistence."""

from dlcore.ui.shell.page import show

TITLE = "Forecasting"
ICON = ":material/airwave:"

show(
    "forecast",
    panels={
        "data": "dlcore.ui.pages.forecast.data:data",
        "results": "dlcore.ui.pages.forecast.results:results",
        "predict": "dlcore.ui.pages.forecast.predict:predict",
        "explain": "dlcore.ui.pages.forecast.explain:explain",
    },
)
