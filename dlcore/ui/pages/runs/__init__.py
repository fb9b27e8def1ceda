"""Page Runs: every run, and the comparison of any of them."""
