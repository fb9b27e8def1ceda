"""Arrays in, Plotly figure out. Knows nothing of torch, of runs or of the page it is shown on."""
