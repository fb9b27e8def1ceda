"""Datasets: sources, validation, splits and batches."""
