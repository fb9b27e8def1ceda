"""Panels of the anatomy page."""
