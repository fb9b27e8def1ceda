"""Arrays in, numbers out: what a run is worth, how sure that is, and what something simpler gets."""
