"""Time series and tables: reading, splitting into windows, seasonality."""
