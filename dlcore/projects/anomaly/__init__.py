"""Anomaly detection in time series."""
