"""Import of custom datasets on the pages."""
