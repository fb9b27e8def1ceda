"""One architecture per file, each with its config. Modules know shapes, never datasets."""
