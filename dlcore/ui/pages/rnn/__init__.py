"""Panels of the rnn page."""
