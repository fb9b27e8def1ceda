"""Import of custom images: a folder or zip with one folder per class; unusable files are left out and named."""

import hashlib
import io
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dlcore.core import progress
from dlcore.data.custom.importer import Importer, Payload, Preview, RejectedItem
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.images import archives, classes, folders, images
from dlcore.data.images.archives import Source
from dlcore.data.images.files import NOTES, SETS, read_rgb
from dlcore.data.images.folders import ARCHIVE, Entry, ImageScan, RejectedFile
from dlcore.data.images.layout import PARTS
from dlcore.data.repairs import Repairs

BYTES_LIMIT = 500 * 2**20
MAX_NAMED = 200
"""Rejected files stored by name; further ones are only counted."""
UNUSED_TABLE = "it does not label the images: a table needs a column of file names and a column named label."
THUMBNAILS, THUMBNAIL_SIDE = 8, 96


@dataclass(frozen=True)
class ScannedImages:
    """The payload and the result of reading each of its files once."""

    payload: Payload
    scan: ImageScan


@dataclass(frozen=True)
class ValidatedImages:
    """The payload and the entries to save; pixels are read again when they are written."""

    payload: Payload
    entries: tuple[Entry, ...]
    index: Mapping[str, int] | None = None


def open_images(payload: Payload, repairs: Repairs) -> ScannedImages:
    """Read and check every file of a folder or zip once.

    Raises:
        DataError: The zip cannot be read, or has too many files or bytes.
    """
    with _open_source(payload) as source:
        return ScannedImages(payload, folders.scan(source))


def validate(parsed: ScannedImages, options: object, repairs: Repairs) -> Preview[ValidatedImages]:
    """Find classes and splits of the images of a folder or zip.

    Raises:
        DataError: It holds no usable set of images.
    """
    scan = parsed.scan
    tables = {name: content for name, (content, _) in scan.tables.items()}
    arranged, unplaced, used = classes.arrange(scan.files, repairs, tables)
    texts = [
        RejectedFile(name, reason if name.endswith(".txt") else UNUSED_TABLE)
        for name, (_, reason) in scan.tables.items()
        if name not in used
    ]
    rejected = sorted([*scan.rejected, *texts, *unplaced], key=lambda file: file.name)
    entries, names = classes.select_classes(arranged, rejected, repairs)
    converted = [
        RejectedFile(each.name, scan.notes[each.name], used=True) for each in entries if each.name in scan.notes
    ]
    _note_changes(scan, entries, rejected, converted, repairs)
    files = [*rejected, *sorted(converted, key=lambda file: file.name)]
    counts = classes.count_images(entries)
    is_split = len({entry.part for entry in entries}) > 1
    return Preview(
        kind="images",
        data=ValidatedImages(parsed.payload, tuple(entries), scan.index),
        rows=len(entries),
        checksum=_checksum(entries, scan.files),
        facts={
            "classes": list(names),
            "refused": [asdict(file) for file in files[:MAX_NAMED]],
            "refused_count": len(rejected),
        },
        columns=names,
        summary=(
            ("Images", f"{len(entries):,}", _describe_splits(counts) if is_split else ""),
            ("Classes", str(len(names)), ""),
            ("Left out", f"{len(rejected):,}", "files"),
        ),
        samples=tuple(_list_folders(entries))[:MAX_NAMED],
        thumbnails=_read_thumbnails(parsed, entries),
        content={
            "columns": [],
            "classes": counts if is_split else {name: {"all": sum(parts.values())} for name, parts in counts.items()},
        },
        rejected=tuple(RejectedItem(file.name, file.reason, used=file.used) for file in files),
    )


def _note_changes(
    scan: ImageScan, entries: list[Entry], rejected: list[RejectedFile], converted: list[RejectedFile], repairs: Repairs
) -> None:
    """Record the files that were renamed, converted or left out, and duplicates across splits."""
    if scan.renamed:
        repairs.record(
            f"{scan.renamed:,} file names were read as UTF-8 or code page 437, with composed letters (NFC) and / as "
            "separator"
        )
    for start, kind in NOTES.items():
        files = [file for file in converted if file.reason.startswith(start)]
        if files:
            repairs.note(kind, f"{len(files):,} images: {files[0].reason}", count=len(files), where=files[0].name)
    repeated, first = _count_repeated(entries, scan.files)
    if repeated:
        message = f"{repeated:,} images are also in another split; a run leaves their copies out of its training split."
        repairs.note("repeated_across_splits", message, count=repeated, where=first)
    if rejected:
        message = f"{len(rejected):,} files were left out; the first: {rejected[0].reason}"
        repairs.note("rejected_files", message, count=len(rejected), where=rejected[0].name)


def _count_repeated(entries: list[Entry], digests: Mapping[str, int]) -> tuple[int, str]:
    """Return how many images are exact copies of one in another split, and the path of the first."""
    parts = np.array([PARTS.index(entry.part) for entry in entries], np.uint8)
    if not len(parts) or (parts == parts[0]).all():
        return 0, ""
    content = np.fromiter((digests[entry.name] for entry in entries), np.uint64, len(entries))
    _, first, group = np.unique(content, return_index=True, return_inverse=True)
    copies = np.flatnonzero(parts != parts[first][group])
    return len(copies), entries[copies[0]].name if len(copies) else ""


def _checksum(entries: list[Entry], digests: Mapping[str, int]) -> str:
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(f"{entry.part}/{entry.label}\0".encode() + digests[entry.name].to_bytes(8, "little"))
    return digest.hexdigest()


def _describe_splits(counts: Mapping[str, Mapping[str, int]]) -> str:
    totals = {part: sum(parts[part] for parts in counts.values()) for part in PARTS}
    return ", ".join(f"{total:,} {part}" for part, total in totals.items() if total)


def _list_folders(entries: list[Entry]) -> Iterator[dict[str, str]]:
    """Yield the folders of the source as they were understood, with their number of images."""
    folders = Counter((entry.name.rpartition("/")[0], entry.part, entry.label) for entry in entries)
    for (folder, part, label), count in sorted(folders.items()):
        yield {"Folder": folder, "Split": part, "Class": label, "Images": f"{count:,}"}


def _read_thumbnails(parsed: ScannedImages, entries: list[Entry]) -> tuple[tuple[str, np.ndarray], ...]:
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.label, entry)
    with _open_source(parsed.payload, parsed.scan.index) as source:
        return tuple(
            (label, read_rgb(source.read(entry.name), side=THUMBNAIL_SIDE, formats=SETS).pixels)
            for label, entry in list(first.items())[:THUMBNAILS]
        )


def list_rejected(dataset: CustomDataset) -> tuple[RejectedFile, ...]:
    """List the files of a saved dataset that were left out, or converted, with the reason."""
    return tuple(RejectedFile(**file) for file in dataset.facts.get("refused", ()))


@contextmanager
def _open_source(payload: Payload, index: Mapping[str, int] | None = None) -> Iterator[Source]:
    if isinstance(payload, Path):
        with archives.open_source(payload, index) as source:
            yield source
    else:
        file: BinaryIO = io.BytesIO(payload) if isinstance(payload, bytes) else payload
        with archives.open_zip(file, "the file", index) as source:
            yield source


def _write(data: ValidatedImages, folder: Path) -> None:
    """Write the usable files unchanged and uncompressed, named by number: their original names are not trusted."""
    with (
        _open_source(data.payload, data.index) as source,
        zipfile.ZipFile(folder / ARCHIVE, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.filelist = _WrittenFiles(data.entries)  # type: ignore[assignment]
        for number, entry in enumerate(data.entries):
            progress.report("Saving images", number, len(data.entries))
            archive.writestr(zipfile.ZipInfo(_saved_name(number, entry)), source.read(entry.name))
            archive.NameToInfo.clear()  # names are unique; saves memory


def _saved_name(number: int, entry: Entry) -> str:
    return f"{entry.part}/{entry.label}/{number:06d}"


class _WrittenFiles:
    """Replaces `ZipFile.filelist`, which keeps half a kilobyte per written file in memory."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.entries, self.numbers = entries, array("Q")

    def append(self, info: zipfile.ZipInfo) -> None:
        """Add the file written last."""
        self.numbers.extend((info.CRC, info.file_size, info.header_offset))

    def __len__(self) -> int:
        return len(self.numbers) // 3

    def __iter__(self) -> Iterator[zipfile.ZipInfo]:
        for number in range(len(self)):
            info = zipfile.ZipInfo(_saved_name(number, self.entries[number]))
            info.CRC, info.file_size, info.header_offset = self.numbers[3 * number : 3 * number + 3]
            info.compress_size = info.file_size  # stored
            yield info


IMPORTER = Importer[ValidatedImages](
    kind="images",
    title="images",
    summary="A zip with one folder per class, or with a CSV of file names and labels. Folders of the training, "
    "validation and test split above the classes keep their split.",
    unit="images",
    suffixes=("zip",),
    byte_limit=BYTES_LIMIT,
    open=open_images,
    validate=validate,
    write=lambda data, folder: _write(data, folder),  # looked up at call time
    load=images.load,
    accepts_folders=True,
    limits=(f"{folders.MAX_FILES:,} images", f"{classes.MAX_CLASSES:,} classes"),
)
