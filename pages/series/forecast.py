"""Forecast thirteen readings of a city's air at once, and see what a network adds to copying the last hour."""

from dlcore.ui.page import show

TITLE = "Air quality"
ICON = ":material/airwave:"

show(
    "forecast",
    data="dlcore.ui.panels.forecast_data:data",
    results="dlcore.ui.panels.forecast_results:results",
    try_it="dlcore.ui.panels.forecast_try:try_it",
    explain="dlcore.ui.panels.forecast_explain:explain",
)
