"""Import of custom images: a folder or zip with one folder per class; unusable files are left out and named."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dlcore.data.custom.importer import Importer, Payload, Preview, RejectedItem
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.images import archives, folders, images
from dlcore.data.images.archives import Source
from dlcore.data.images.files import SETS, read_rgb
from dlcore.data.images.folders import ARCHIVE, Entry, RejectedFile, Survey
from dlcore.data.repairs import Repairs

BYTES_LIMIT = 500 * 2**20
MAX_NAMED = 200
"""Rejected files stored by name; further ones are only counted."""
THUMBNAILS, THUMBNAIL_SIDE = 8, 96


@dataclass(frozen=True)
class ValidatedImages:
    """The payload and the survey of its files; pixels are read again when they are written."""

    payload: Payload
    survey: Survey


def validate(payload: Payload, options: object, repairs: Repairs) -> Preview[ValidatedImages]:
    """Check every file of a folder or zip of class folders.

    Raises:
        DataError: The zip cannot be read, or holds no usable set of images.
    """
    digest = hashlib.sha256()
    thumbnails: dict[str, np.ndarray] = {}

    def inspect_file(entry: Entry, content: bytes) -> None:
        digest.update(f"{entry.part}/{entry.label}\0".encode())
        digest.update(hashlib.sha256(content).digest())
        if entry.label not in thumbnails and len(thumbnails) < THUMBNAILS:
            thumbnails[entry.label] = read_rgb(content, side=THUMBNAIL_SIDE, formats=SETS).pixels

    with _open_source(payload) as source:
        survey = folders.survey(source, inspect_file)
    rejected = [file for file in survey.rejected if not file.used]
    return Preview(
        kind="images",
        data=ValidatedImages(payload, survey),
        rows=len(survey.entries),
        checksum=digest.hexdigest(),
        facts={
            "classes": list(survey.names),
            "refused": [asdict(file) for file in survey.rejected[:MAX_NAMED]],
            "refused_count": len(rejected),
        },
        columns=survey.names,
        summary=(
            ("Images", f"{len(survey.entries):,}", ""),
            ("Classes", str(len(survey.names)), ""),
            ("Left out", f"{len(rejected):,}", "files"),
        ),
        thumbnails=tuple(thumbnails.items()),
        rejected=tuple(RejectedItem(file.name, file.reason, used=file.used) for file in survey.rejected),
    )


def list_rejected(dataset: CustomDataset) -> tuple[RejectedFile, ...]:
    """List the files of a saved dataset that were left out, or converted, with the reason."""
    return tuple(RejectedFile(**file) for file in dataset.facts.get("refused", ()))


@contextmanager
def _open_source(payload: Payload) -> Iterator[Source]:
    if isinstance(payload, Path):
        with archives.open_source(payload) as source:
            yield source
    else:
        file: BinaryIO = io.BytesIO(payload) if isinstance(payload, bytes) else payload
        with archives.open_zip(file, "the file") as source:
            yield source


def _write(data: ValidatedImages, folder: Path) -> None:
    """Write the usable files unchanged and uncompressed, named by number: their original names are not trusted."""
    with _open_source(data.payload) as source, zipfile.ZipFile(folder / ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for number, entry in enumerate(data.survey.entries):
            archive.writestr(f"{entry.part}/{entry.label}/{number:06d}", source.read(entry.name))


IMPORTER = Importer[ValidatedImages](
    kind="images",
    title="images",
    summary="A zip with one folder per class. Folders named train and test above the class folders keep their split.",
    unit="images",
    suffixes=("zip",),
    byte_limit=BYTES_LIMIT,
    open=lambda payload, repairs: payload,
    validate=validate,
    write=lambda data, folder: _write(data, folder),  # looked up at call time
    load=images.load,
    accepts_folders=True,
    limits=(f"{folders.MAX_FILES:,} images", f"{folders.MAX_CLASSES:,} classes"),
)
