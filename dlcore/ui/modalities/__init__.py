"""Panels shared by projects of one modality."""
