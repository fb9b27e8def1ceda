"""Panels of the anomaly page."""
