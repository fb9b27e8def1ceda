"""Arrays in, Plotly figure out. Knows neither torch, runs nor the page that shows the figure."""
