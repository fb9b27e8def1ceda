"""One architecture per file, each with its config; a module knows shapes, never data."""
