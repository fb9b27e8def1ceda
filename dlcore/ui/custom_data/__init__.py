"""Upload forms for custom datasets."""
