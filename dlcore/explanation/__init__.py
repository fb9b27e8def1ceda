"""Explanations of predictions, based on Captum; start with `attribution.attribute`."""
