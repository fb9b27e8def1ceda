"""The anomaly page's panels: Data, Results, Try it."""

from dlcore.ui.panels.series_data import data
from dlcore.ui.panels.series_results import results
from dlcore.ui.panels.series_try import try_it

__all__ = ["data", "results", "try_it"]
