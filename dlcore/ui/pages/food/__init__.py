"""Panels of the food page."""
