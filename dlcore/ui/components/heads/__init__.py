"""The heads component."""
