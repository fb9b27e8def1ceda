"""Where data comes from, loaders by modality, splits, batches."""
