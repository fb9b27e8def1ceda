"""Custom datasets: import, validation, storage and lookup."""
