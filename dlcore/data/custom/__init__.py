"""Custom datasets: validation, storage and lookup of data that a person brings."""
