"""Images in class folders, in a folder or a zip: every file is checked; usable ones are decoded, others reported.

`scan` reads every file once, `arrange` finds class and split of the usable ones, by label tables or folders, and
`select_classes` leaves out or includes classes with few images. Problems and what was changed go to `Repairs`.
"""

import hashlib
import zipfile
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from dlcore.core import progress
from dlcore.core.errors import DataError
from dlcore.data.images import label_tables
from dlcore.data.images.archives import PathIndex, Source
from dlcore.data.images.files import MAX_BYTES, SETS, read_rgb

MAX_FILES = 200_000
MAX_TOTAL_BYTES = 16 * 2**30
"""Unpacked size of all images."""
ARCHIVE = "pictures.zip"
"""The file of a custom dataset: `<split>/<class>/<number>`."""


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that was left out, or converted (`used`), with the reason."""

    name: str
    reason: str
    used: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An image file of a source: its path there, its class, and its split (train, validation or test)."""

    name: str
    label: str
    part: str = "train"


@dataclass(frozen=True)
class ImageScan:
    """The files of a source after reading each once.

    `files` maps the paths of usable images to the first 8 bytes of their sha256, `notes` those that were converted to
    how, `tables` other small text files to content and the reason why they are no images. `renamed` counts paths that
    were decoded or composed, `index` is that of the source.
    """

    files: Mapping[str, int]
    notes: Mapping[str, str] = field(default_factory=dict)
    rejected: tuple[RejectedFile, ...] = ()
    tables: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    renamed: int = 0
    index: Mapping[str, int] | None = None


def scan(source: Source) -> ImageScan:
    """Read and check every file; one file is in memory at a time, beside label tables.

    Raises:
        DataError: Too many files or bytes.
    """
    names, rejected = list_files(source)
    files: list[str] = []
    digests = array("Q")
    notes: dict[str, str] = {}
    tables: dict[str, tuple[bytes, str]] = {}
    left = MAX_BYTES
    for k, name in enumerate(names):
        progress.report("Checking images", k, len(names))
        content = b""
        try:
            content = read(source, name)
            note = read_rgb(content, side=8, formats=SETS).note
        except DataError as error:
            if name.lower().endswith(label_tables.SUFFIXES) and 0 < len(content) <= left:
                tables[name], left = (content, str(error)), left - len(content)
            else:
                rejected.append(RejectedFile(name, str(error)))
            continue
        files.append(name)
        digests.append(int.from_bytes(hashlib.sha256(content).digest()[:8], "little"))
        if note:
            notes[name] = note
    progress.report("Checking images", len(names), len(names))
    del names
    return ImageScan(PathIndex(files, digests), notes, tuple(rejected), tables, source.renamed, source.index)


def list_files(source: Source) -> tuple[list[str], list[RejectedFile]]:
    """List the paths of a source that can be read, and the rejected ones.

    Raises:
        DataError: Too many files or bytes.
    """
    names: list[str] = []
    rejected: list[RejectedFile] = []
    total = 0
    for name, size, reason in source.files():
        total += size
        if len(names) + len(rejected) >= MAX_FILES or total > MAX_TOTAL_BYTES:
            raise DataError(f"more than {MAX_FILES:,} files or {MAX_TOTAL_BYTES >> 30} GiB unpacked: split the set up.")
        if not reason and size > MAX_BYTES:
            reason = f"{size / 2**20:,.0f} MB unpacked; up to {MAX_BYTES >> 20} MB is read."
        if reason:
            rejected.append(RejectedFile(name, reason))
        else:
            names.append(name)
    return names, rejected


def list_saved(source: Source) -> list[Entry]:
    """List the entries of the archive of a custom dataset, in order."""
    entries = []
    for name, _, _ in source.files():
        part, _, path = name.partition("/")
        entries.append(Entry(name, path.rpartition("/")[0], part))
    return sort_entries(entries)


def sort_entries(entries: list[Entry]) -> list[Entry]:
    """Sort entries in place by split, class and path, and return them."""
    for field_name in ("name", "label", "part"):  # stable: needs no key objects
        entries.sort(key=attrgetter(field_name))
    return entries


def decode(source: Source, entries: Sequence[Entry], pixels: np.ndarray) -> tuple[np.ndarray, list[RejectedFile]]:
    """Decode entries into pixels (N, side, side, 3), in place; return which rows are valid (N,) and rejected files."""
    valid = np.zeros(len(pixels), dtype=bool)
    rejected = []
    for row, entry in enumerate(entries):
        progress.report("Decoding images", row, len(entries))
        try:
            image = read_rgb(read(source, entry.name), side=pixels.shape[1], formats=SETS)
        except DataError as error:
            rejected.append(RejectedFile(entry.name, str(error)))
            continue
        pixels[row], valid[row] = image.pixels, True
        if image.note:
            rejected.append(RejectedFile(entry.name, image.note, used=True))
    return valid, rejected


def read(source: Source, name: str) -> bytes:
    """Read a file of a source.

    Raises:
        DataError: It cannot be read.
    """
    try:
        return source.read(name)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise DataError(f"it cannot be read ({' '.join(str(error).split())[:80]}).") from None
