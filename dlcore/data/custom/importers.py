"""The importers of all kinds of custom data, and the choice of one by file and options."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from dlcore.core.errors import RequestError
from dlcore.data.custom import images, pairs, series, table, texts
from dlcore.data.custom.importer import Importer
from dlcore.data.custom.registry import Kind

IMPORTERS: dict[Kind, Importer[Any]] = {
    "series": series.IMPORTER,
    "table": table.IMPORTER,
    "images": images.IMPORTER,
    "text": texts.IMPORTER,
    "pairs": pairs.IMPORTER,
}


def choose_importer(path: Path, options: Collection[str] = ()) -> Importer[Any]:
    """Return the first importer that reads files with this suffix (or folders) and has all of these options.

    Raises:
        RequestError: No kind of data has all of these options.
    """
    suffix = path.suffix.lower().removeprefix(".")
    candidates = [importer for importer in IMPORTERS.values() if suffix in importer.suffixes]
    if path.is_dir():
        candidates = [importer for importer in IMPORTERS.values() if importer.accepts_folders]
    for importer in candidates or IMPORTERS.values():
        if set(options) <= set(importer.options.model_fields):
            return importer
    flags = ", ".join(f"--{name}" for name in options)
    raise RequestError(f"no kind of data has all of {flags} for this file: leave some out, or choose one with --kind.")
