"""Dataset registry, search path, downloads and pretrained weights."""
