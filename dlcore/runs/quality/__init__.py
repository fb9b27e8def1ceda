"""Data quality of a run: label errors, duplicates, hard samples, weak slices, and corrected datasets."""
