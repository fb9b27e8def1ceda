"""Monitoring with a finished anomaly run: points in, scores and alarms out, resumable after a kill."""
