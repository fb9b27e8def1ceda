"""Panels of the vit page."""
