"""The attention component."""
