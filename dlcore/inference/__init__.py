"""A trained module put to work: on a whole split, or on one thing."""
