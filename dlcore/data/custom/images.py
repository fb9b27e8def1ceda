"""Pictures of one's own: a folder or zip of class folders, looked at file by file and kept with what is good in it."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dlcore.data.custom import registry as own
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.images import folders as image_folders
from dlcore.data.images.folders import KEPT, Entry, RejectedFile
from dlcore.data.sources import locate as sources

MOST_NAMED = 200
"""So many refused files are kept by name; the rest are counted."""


def import_folder(path: Path, name: str) -> CustomDataset:
    """Keep the good pictures of a folder or zip of class folders under that name; the rest are in `list_rejected`.

    Raises:
        DataError: it holds no set of pictures; says why. Nothing is kept then.
        RequestError: the name will not do.
        StoreError: the folder of datasets cannot be written.
    """
    own.check_name(name, reserved=sources.DATASETS)
    with image_folders.source(path) as opened:
        return _import(opened, name, path.name)


def import_zip(payload: bytes, name: str, *, source: str) -> CustomDataset:
    """The same from a zip's bytes, handed in as the file `source`.

    Raises:
        DataError: it is no zip that can be read, or holds no set of pictures. Nothing is kept then.
    """
    own.check_name(name, reserved=sources.DATASETS)
    with image_folders.open_zip(io.BytesIO(payload), source) as opened:
        return _import(opened, name, source)


def list_rejected(dataset: CustomDataset) -> tuple[RejectedFile, ...]:
    """The files that were left out of a dataset of one's own, or taken in changed, and why."""
    return tuple(RejectedFile(**one) for one in dataset.facts.get("refused", ()))


def _import(opened: image_folders.Source, name: str, source: str) -> CustomDataset:
    listed = image_folders.survey(opened)
    facts: Mapping[str, Any] = {
        "classes": list(listed.names),
        "refused": [asdict(one) for one in listed.refused[:MOST_NAMED]],
        "refused_count": sum(not one.used for one in listed.refused),
    }
    digest = hashlib.sha256()
    for entry in listed.entries:
        digest.update(f"{entry.part}/{entry.label}\0".encode())
        digest.update(hashlib.sha256(opened.read(entry.name)).digest())
    kept = CustomDataset(name, "images", len(listed.entries), digest.hexdigest(), source, facts)
    return own.save(kept, lambda draft: _write(opened, listed.entries, draft / KEPT), reserved=sources.DATASETS)


def _write(opened: image_folders.Source, entries: tuple[Entry, ...], file: Path) -> None:
    """The good files as they are, uncompressed, named by number: what a stranger called them goes nowhere."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, entry in enumerate(entries):
            archive.writestr(f"{entry.part}/{entry.label}/{number:06d}", opened.read(entry.name))
