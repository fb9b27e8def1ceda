"""Panels of the reviews_lstm page."""
