"""Panels of the anomaly page."""

from dlcore.ui.pages.anomaly.data import data
from dlcore.ui.pages.anomaly.predict import predict
from dlcore.ui.pages.anomaly.results import results

__all__ = ["data", "predict", "results"]
