"""Predictions for many inputs: a table, photos or a long series in, a table out; resumable, in bounded memory."""
