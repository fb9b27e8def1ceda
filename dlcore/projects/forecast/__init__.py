"""Multivariate forecasting."""
