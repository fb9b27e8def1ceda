"""Panels of the attention page."""
