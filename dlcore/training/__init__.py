"""Training made visible: `fit` yields events; knows modules, batches and metrics, nothing of where they come from."""
