"""Networks that a user adds as Python code."""
