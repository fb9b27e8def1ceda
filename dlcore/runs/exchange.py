"""Bundles out and in: export to a zip, import from a zip or a folder."""

from pathlib import Path

from dlcore.runs.record import Record


def export_run(ref: str, path: Path) -> Path:
    """Write the run's bundle to a zip file (`path`, or a file in it where it is a folder); gives the file's path."""
    raise NotImplementedError


def import_run(path: Path) -> Record:
    """Take a bundle (zip or folder) in as a finished run."""
    raise NotImplementedError
