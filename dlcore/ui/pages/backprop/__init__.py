"""Panels of the backprop page."""
