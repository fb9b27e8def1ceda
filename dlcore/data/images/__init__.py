"""Image datasets: loading, validation, augmentation and caching."""
