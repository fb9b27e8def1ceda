"""Panels of the forecast page."""
