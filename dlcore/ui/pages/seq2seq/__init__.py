"""Panels of the seq2seq page."""
