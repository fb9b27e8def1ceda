"""Text classification and sequence to sequence."""
