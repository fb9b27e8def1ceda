"""Inference with a trained module, on a split or on one input."""
