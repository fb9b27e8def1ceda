"""The typed component."""
