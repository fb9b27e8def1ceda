"""Panels of the gradients page."""
