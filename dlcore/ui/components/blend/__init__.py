"""The blend component."""
