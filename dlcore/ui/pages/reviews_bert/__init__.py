"""Panels of the reviews_bert page."""
