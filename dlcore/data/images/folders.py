"""Pictures in class folders, as a folder or a zip: surveyed file by file, the good ones decoded, the rest named.

`<class>/<file>`, below any folders that hold everything; folders called train, test and the like above the classes are
the set's own parts. A zip is read where it lies: nothing is ever unpacked, so no name in it can lead anywhere.
"""

import contextlib
import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images.files import MAX_BYTES, SETS, read_rgb

MOST_FILES, MOST_CLASSES, LEAST_PICTURES = 200_000, 1_000, 5
MOST_TOTAL = 16 * 2**30
"""Bytes of all pictures together, unpacked."""
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
"""Folders above the classes: what is meant for validation joins the part that a run cuts by itself."""
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
"""A file of Food-11, `class_number.jpg`, which lies in the folder of its part."""
_WANTED = "give a folder or a zip of class folders."
_CLUTTER = {"thumbs.db", "desktop.ini"}


@dataclass(frozen=True)
class RejectedFile:
    """A file that was left out, or taken in changed (`used`), and why, in a few words."""

    name: str
    reason: str
    used: bool = False


@dataclass(frozen=True)
class Entry:
    """A picture's file in its source: its name there, its class, and the part it is meant for (train or test)."""

    name: str
    label: str
    part: str = "train"


@dataclass(frozen=True)
class Survey:
    """What a source holds: the good files in order, the classes' names, and what was refused or changed."""

    entries: tuple[Entry, ...]
    names: tuple[str, ...]
    refused: tuple[RejectedFile, ...]

    @property
    def labels(self) -> np.ndarray:
        """Class numbers (N,) of the entries."""
        place = {name: k for k, name in enumerate(self.names)}
        return np.array([place[entry.label] for entry in self.entries], dtype=np.int64)

    @property
    def in_test(self) -> np.ndarray:
        """Whether the source itself says that a picture is for the test, (N,)."""
        return np.array([entry.part == "test" for entry in self.entries], dtype=bool)


class Source(Protocol):
    """Where files are read from: their names with sizes, and one file's bytes, at most a little over the limit."""

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Name, bytes, and why it is refused already (empty where it is not)."""
        ...

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        ...


@contextlib.contextmanager
def source(path: Path) -> Iterator[Source]:
    """The folder or zip at `path`, opened for reading.

    Raises:
        DataError: it is neither, or the zip cannot be read.
    """
    if path.is_dir():
        yield _Food101(path) if (path / "meta" / "test.txt").is_file() else _Folder(path)
        return
    try:
        with path.open("rb") as file, open_zip(file, path.name) as found:
            yield found
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}): {_WANTED}") from None


@contextlib.contextmanager
def open_zip(file: IO[bytes], name: str) -> Iterator[Source]:
    """The zip in an open file that goes by `name`.

    Raises:
        DataError: it is no zip that can be read.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{name} is no folder and no zip that can be read ({error}): {_WANTED}") from None
    with archive:
        yield _Zip(archive)


def survey(opened: Source, use: Callable[[Entry, bytes], None] | None = None) -> Survey:
    """Look at every file; `use` is handed each good one. One file is in memory at a time.

    Raises:
        DataError: too many files or bytes, fewer than two classes, or a class with too few pictures.
    """
    entries, refused = list_entries(opened)
    good = []
    for entry in entries:
        try:
            payload = _bytes(opened, entry.name)
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
    return Survey(tuple(good), names, tuple(sorted(refused, key=lambda one: (one.used, one.name))))


def decode(opened: Source, entries: Sequence[Entry], pixels: np.ndarray) -> tuple[np.ndarray, list[RejectedFile]]:
    """Decode entries into pixels (N, side, side, 3), which may be a memory map; gives which rows are good, (N,)."""
    good = np.zeros(len(pixels), dtype=bool)
    remarks = []
    for row, entry in enumerate(entries):
        try:
            picture = read_rgb(_bytes(opened, entry.name), side=pixels.shape[1], formats=SETS)
        except DataError as error:
            remarks.append(RejectedFile(entry.name, str(error)))
            continue
        pixels[row], good[row] = picture.pixels, True
        if picture.note:
            remarks.append(RejectedFile(entry.name, picture.note, used=True))
    return good, remarks


def list_entries(opened: Source) -> tuple[list[Entry], list[RejectedFile]]:
    """Entries by their place alone, content unseen, in order of part, class and name; and what has no place.

    Raises:
        DataError: too many files or bytes.
    """
    found: list[PurePosixPath] = []
    refused: list[RejectedFile] = []
    total = 0
    for name, size, reason in opened.files():
        path = PurePosixPath(name)
        if any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in path.parts):
            continue
        if path.name.lower() in _CLUTTER:
            continue
        total += size
        if len(found) + len(refused) >= MOST_FILES or total > MOST_TOTAL:
            raise DataError(f"more than {MOST_FILES:,} files or {MOST_TOTAL >> 30} GiB unpacked: split the set up.")
        if reason:
            refused.append(RejectedFile(name, reason))
        elif size > MAX_BYTES:
            refused.append(RejectedFile(name, f"{size / 2**20:,.0f} MB unpacked; up to {MAX_BYTES >> 20} MB is read."))
        elif len(path.parts) < 2:
            refused.append(RejectedFile(name, "it lies in no class folder."))
        else:
            found.append(path)
    entries = [_entry(path) for path in found]
    return sorted(entries, key=lambda entry: (entry.part, entry.label, entry.name)), refused


def _entry(path: PurePosixPath) -> Entry:
    numbered = _NUMBERED.fullmatch(path.stem)
    if numbered and (part := PARTS.get(path.parts[-2].lower())):
        number = int(numbered[1])
        return Entry(str(path), FOOD11[number] if number < len(FOOD11) else str(number), part)
    above = path.parts[-3].lower() if len(path.parts) > 2 else ""
    label = "".join(c if c.isprintable() and c not in "\\:" else "_" for c in path.parts[-2])
    return Entry(str(path), label[:100], PARTS.get(above, "train"))


def class_names(good: Sequence[Entry], refused: Sequence[RejectedFile]) -> tuple[str, ...]:
    """The classes' names in order, if there are enough of them and of their good pictures.

    Raises:
        DataError: fewer than two classes, too many, or a class with too few pictures.
    """
    counts = Counter(entry.label for entry in good if entry.part == "train")
    left_out = sum(not one.used for one in refused)
    tail = f" ({left_out} files were left out; the first: {_first(refused)})" if left_out else ""
    if len(counts) < 2:
        what = f"one class alone, '{next(iter(counts))}'" if counts else "no picture in a class folder"
        raise DataError(f"it holds {what}{tail}: put the pictures of each class into a folder of the class's name.")
    if len(counts) > MOST_CLASSES:
        raise DataError(f"it holds {len(counts):,} classes; up to {MOST_CLASSES:,} are taken.")
    few = [name for name, count in counts.items() if count < LEAST_PICTURES]
    if few:
        raise DataError(
            f"class '{few[0][:60]}' has {counts[few[0]]} good picture{'' if counts[few[0]] == 1 else 's'} to learn "
            f"from{tail}: give each class {LEAST_PICTURES} or more."
        )
    strange = {entry.label for entry in good} - set(counts)
    if strange:
        raise DataError(f"class '{min(strange)[:60]}' is in the test part alone: give pictures to learn from too.")
    return tuple(sorted(counts))


def _first(refused: Sequence[RejectedFile]) -> str:
    one = min((one for one in refused if not one.used), key=lambda one: one.name)
    return f"{one.name[-60:]}, {one.reason.rstrip('.')}"


def _bytes(opened: Source, name: str) -> bytes:
    try:
        return opened.read(name)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError) as error:
        raise DataError(f"it cannot be read ({' '.join(str(error).split())[:80]}).") from None


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> Iterator[tuple[str, int, str]]:
        for folder, inner, files in os.walk(self.path):
            inner.sort()
            for file in sorted(files):
                place = Path(folder) / file
                name = place.relative_to(self.path).as_posix()
                try:
                    about = place.lstat()
                except OSError as error:
                    yield name, 0, f"it cannot be read ({error.strerror})."
                    continue
                if stat.S_ISLNK(about.st_mode):
                    yield name, 0, "a link to another file: put the picture itself here."
                elif not stat.S_ISREG(about.st_mode):
                    yield name, 0, "not a plain file."
                else:
                    yield name, about.st_size, ""

    def read(self, name: str) -> bytes:
        with (self.path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


class _Food101(_Folder):
    """`images/<class>/<number>.jpg`, and in `meta` the list of those for the test, as torchvision unpacks it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path / "images")
        listed = (path / "meta" / "test.txt").read_text(encoding="utf-8").split()
        self.for_test = {f"{name}.jpg" for name in listed}

    def files(self) -> Iterator[tuple[str, int, str]]:
        for name, size, reason in super().files():
            yield f"{'test' if name in self.for_test else 'train'}/{name}", size, reason

    def read(self, name: str) -> bytes:
        return super().read(name.partition("/")[2])


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}

    def files(self) -> Iterator[tuple[str, int, str]]:
        for name, entry in self.entries.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
                yield name, 0, "its name leads out of the archive."
            elif entry.flag_bits & 1:
                yield name, 0, "encrypted: pack it without a password."
            elif name != str(path):
                yield name, 0, "its name is not a plain path."
            else:
                yield name, entry.file_size, ""

    def read(self, name: str) -> bytes:
        with self.archive.open(self.entries[name]) as file:
            return file.read(MAX_BYTES + 1)
