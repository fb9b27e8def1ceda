"""The epochs component."""
