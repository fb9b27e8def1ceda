"""Panels of the bert page."""
