"""The panels of projects that sort things into classes: Data, Results, Try it."""

from dlcore.ui.panels.classification_data import data
from dlcore.ui.panels.classification_results import results
from dlcore.ui.panels.classification_try import try_it

__all__ = ["data", "results", "try_it"]
