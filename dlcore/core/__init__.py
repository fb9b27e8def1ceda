"""What everything else stands on: errors, settings, seeds, devices, config fields. Imports nothing else of ours."""
