"""The threshold component."""
