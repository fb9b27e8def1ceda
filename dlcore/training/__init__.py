"""The training loop and its parts. `fit` yields events; nothing here knows where modules or data come from."""
