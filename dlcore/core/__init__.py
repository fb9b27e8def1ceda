"""Foundation: errors, settings, seeds, devices, config fields. Imports no other package of `dlcore`."""
