"""One architecture per file, each with its config. Modules depend on shapes, never on datasets."""
