"""What the components in the browser show of runs, as plain data: the same for pages and reports."""
