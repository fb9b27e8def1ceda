"""The panels of projects that sort things into classes: Data, Results, Try it."""

from dlcore.ui.modalities.overview import data
from dlcore.ui.modalities.predict import try_it
from dlcore.ui.modalities.results import results

__all__ = ["data", "results", "try_it"]
