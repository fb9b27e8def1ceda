"""The paste component."""
