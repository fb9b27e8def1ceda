"""Why a model decided so: Captum behind one verb, `attribution.attribute`."""
