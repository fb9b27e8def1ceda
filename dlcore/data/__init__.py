"""Where data comes from, how it is checked, split and handed out in batches."""
