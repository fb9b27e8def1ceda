"""Tiny pack for the deep learning workbench."""

DLCORE_API = 1
"""Version of the interface of packs that this one was made for."""
