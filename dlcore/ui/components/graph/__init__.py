"""The graph component."""
