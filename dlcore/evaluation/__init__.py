"""Metrics, confidence intervals and baselines computed from arrays."""
