"""Images in class folders, in a folder or a zip: every file is checked; usable ones are decoded, others reported.

Layout: `<class>/<file>`, below any parent folders; folders such as train and test above the classes define splits.
"""

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images.archives import Source
from dlcore.data.images.files import MAX_BYTES, SETS, read_rgb

MAX_FILES, MAX_CLASSES, MIN_IMAGES = 200_000, 1_000, 5
MAX_TOTAL_BYTES = 16 * 2**30
"""Unpacked size of all images."""
ARCHIVE = "pictures.zip"
"""The file of a custom dataset."""
PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "evaluation": "test",
    "val": "train",
    "valid": "train",
    "validation": "train",
}
"""Split folders above the classes; validation files join the training part, which a run splits itself."""
FOOD11 = (
    "bread",
    "dairy product",
    "dessert",
    "egg",
    "fried food",
    "meat",
    "noodles and pasta",
    "rice",
    "seafood",
    "soup",
    "vegetable and fruit",
)
_NUMBERED = re.compile(r"(\d{1,3})_\d+")
"""A file of Food-11, `class_number.jpg`, in the folder of its split."""
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class RejectedFile:
    """A file that was left out, or converted (`used`), with the reason."""

    name: str
    reason: str
    used: bool = False


@dataclass(frozen=True)
class Entry:
    """An image file of a source: its path there, its class, and its split (train or test)."""

    name: str
    label: str
    part: str = "train"


@dataclass(frozen=True)
class Survey:
    """The contents of a source: usable files in order, class names, and rejected or converted files."""

    entries: tuple[Entry, ...]
    names: tuple[str, ...]
    rejected: tuple[RejectedFile, ...]

    @property
    def labels(self) -> np.ndarray:
        """Class numbers (N,) of the entries, int64."""
        numbers = {name: k for k, name in enumerate(self.names)}
        return np.array([numbers[entry.label] for entry in self.entries], dtype=np.int64)

    @property
    def in_test(self) -> np.ndarray:
        """(N,) bool: whether the source assigns the image to its test split."""
        return np.array([entry.part == "test" for entry in self.entries], dtype=bool)


def survey(source: Source, use: Callable[[Entry, bytes], None] | None = None) -> Survey:
    """Check every file; `use` receives each usable one with its content. One file is in memory at a time.

    Raises:
        DataError: Too many files or bytes, fewer than two classes, or a class with too few images.
    """
    entries, refused = list_entries(source)
    good = []
    for entry in entries:
        try:
            payload = _read(source, entry.name)
            note = read_rgb(payload, side=8, formats=SETS).note
        except DataError as error:
            refused.append(RejectedFile(entry.name, str(error)))
            continue
        if note:
            refused.append(RejectedFile(entry.name, note, used=True))
        if use is not None:
            use(entry, payload)
        good.append(entry)
    names = class_names(good, refused)
    return Survey(tuple(good), names, tuple(sorted(refused, key=lambda file: (file.used, file.name))))


def decode(source: Source, entries: Sequence[Entry], pixels: np.ndarray) -> tuple[np.ndarray, list[RejectedFile]]:
    """Decode entries into pixels (N, side, side, 3), in place; return which rows are valid (N,) and rejected files."""
    valid = np.zeros(len(pixels), dtype=bool)
    rejected = []
    for row, entry in enumerate(entries):
        try:
            image = read_rgb(_read(source, entry.name), side=pixels.shape[1], formats=SETS)
        except DataError as error:
            rejected.append(RejectedFile(entry.name, str(error)))
            continue
        pixels[row], valid[row] = image.pixels, True
        if image.note:
            rejected.append(RejectedFile(entry.name, image.note, used=True))
    return valid, rejected


def list_entries(source: Source) -> tuple[list[Entry], list[RejectedFile]]:
    """List entries by path alone, sorted by split, class and name; and the rejected files.

    Raises:
        DataError: Too many files or bytes.
    """
    paths: list[PurePosixPath] = []
    refused: list[RejectedFile] = []
    total = 0
    for name, size, reason in source.files():
        path = PurePosixPath(name)
        if any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in path.parts):
            continue
        if path.name.lower() in _SYSTEM_FILES:
            continue
        total += size
        if len(paths) + len(refused) >= MAX_FILES or total > MAX_TOTAL_BYTES:
            raise DataError(f"more than {MAX_FILES:,} files or {MAX_TOTAL_BYTES >> 30} GiB unpacked: split the set up.")
        if reason:
            refused.append(RejectedFile(name, reason))
        elif size > MAX_BYTES:
            refused.append(RejectedFile(name, f"{size / 2**20:,.0f} MB unpacked; up to {MAX_BYTES >> 20} MB is read."))
        elif len(path.parts) < 2:
            refused.append(RejectedFile(name, "it is not in a class folder."))
        else:
            paths.append(path)
    entries = [_parse_entry(path) for path in paths]
    return sorted(entries, key=lambda entry: (entry.part, entry.label, entry.name)), refused


def _parse_entry(path: PurePosixPath) -> Entry:
    numbered = _NUMBERED.fullmatch(path.stem)
    if numbered and (part := PARTS.get(path.parts[-2].lower())):
        number = int(numbered[1])
        return Entry(str(path), FOOD11[number] if number < len(FOOD11) else str(number), part)
    above = path.parts[-3].lower() if len(path.parts) > 2 else ""
    label = "".join(c if c.isprintable() and c not in "\\:" else "_" for c in path.parts[-2])
    return Entry(str(path), label[:100], PARTS.get(above, "train"))


def class_names(good: Sequence[Entry], refused: Sequence[RejectedFile]) -> tuple[str, ...]:
    """Return the sorted class names if there are enough classes and images.

    Raises:
        DataError: Fewer than two classes, too many, or a class with too few images.
    """
    counts = Counter(entry.label for entry in good if entry.part == "train")
    left_out = sum(not file.used for file in refused)
    tail = f" ({left_out} files were left out; the first: {_describe_first(refused)})" if left_out else ""
    if len(counts) < 2:
        content = f"only one class, '{next(iter(counts))}'" if counts else "no image in a class folder"
        raise DataError(f"it contains {content}{tail}: put the images of each class into a folder named after it.")
    if len(counts) > MAX_CLASSES:
        raise DataError(f"it contains {len(counts):,} classes; up to {MAX_CLASSES:,} are supported.")
    few = [name for name, count in counts.items() if count < MIN_IMAGES]
    if few:
        raise DataError(
            f"class '{few[0][:60]}' has {counts[few[0]]} usable training image{'' if counts[few[0]] == 1 else 's'}"
            f"{tail}: provide at least {MIN_IMAGES} per class."
        )
    test_only = {entry.label for entry in good} - set(counts)
    if test_only:
        raise DataError(f"class '{min(test_only)[:60]}' is only in the test split: add training images.")
    return tuple(sorted(counts))


def _describe_first(refused: Sequence[RejectedFile]) -> str:
    file = min((file for file in refused if not file.used), key=lambda file: file.name)
    return f"{file.name[-60:]}, {file.reason.rstrip('.')}"


def _read(source: Source, name: str) -> bytes:
    try:
        return source.read(name)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise DataError(f"it cannot be read ({' '.join(str(error).split())[:80]}).") from None
