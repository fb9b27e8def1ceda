"""Run bundles: writing, reading, validation, export and import."""
