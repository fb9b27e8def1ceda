"""Plotly figures from NumPy arrays; independent of torch, runs and pages."""
