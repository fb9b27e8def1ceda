"""Folders and zips that files are read from. A zip is read in place and never unpacked, so paths cannot escape it.

Names are decoded, composed and made unique here, for datasets and uploads alike.
"""

import bisect
import collections
import contextlib
import os
import stat
import unicodedata
import zipfile
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images.files import MAX_BYTES
from dlcore.data.images.zip_directory import UTF8_FLAG, ZipDirectory

_EXPECTED = "provide a folder or a zip of class folders."
_SYSTEM_FILES = {".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r"}
_ENCRYPTED = 0x41


class Source(Protocol):
    """A folder or zip that files are read from; reads stop just above the size limit."""

    @property
    def renamed(self) -> int:
        """How many of the listed paths were decoded, composed or made unique."""
        ...

    @property
    def index(self) -> Mapping[str, int] | None:
        """The places of the listed files, for opening the same zip again; None for a folder."""
        ...

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Yield path, size in bytes, and the reason if the file is rejected unread.

        Paths are unique, composed (NFC) and with `/` as separator; files of the operating system are skipped.
        """
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a listed file."""
        ...


@contextlib.contextmanager
def open_source(path: Path, index: Mapping[str, int] | None = None) -> Iterator[Source]:
    """Open the folder or zip at `path`; `index` is that of the same zip, which is then not listed again.

    Raises:
        DataError: It is neither, or the zip cannot be read.
    """
    if path.is_dir():
        yield _Food101(path) if (path / "meta" / "test.txt").is_file() else _Folder(path)
        return
    try:
        with path.open("rb") as file, open_zip(file, path.name, index) as archive:
            yield archive
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}): {_EXPECTED}") from None


@contextlib.contextmanager
def open_zip(file: IO[bytes], name: str, index: Mapping[str, int] | None = None) -> Iterator[Source]:
    """Open a zip from an open file; `name` is used in errors, `index` as in `open_source`.

    Raises:
        DataError: The zip cannot be read.
    """
    try:
        directory = ZipDirectory(file)
        next(iter(directory), None)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(f"{name} is neither a folder nor a readable zip ({error}): {_EXPECTED}") from None
    yield _Zip(directory, name, index)


class PathIndex(Mapping[str, int]):
    """Numbers by path, as sorted paths and an array: a tenth of the memory of a dict for 100,000 files."""

    def __init__(self, names: Sequence[str], numbers: Sequence[int]) -> None:
        order = sorted(range(len(names)), key=names.__getitem__)
        self._names = [names[k] for k in order]
        self._numbers = np.fromiter((numbers[k] for k in order), np.uint64, len(order))

    def __getitem__(self, name: str) -> int:
        at = bisect.bisect_left(self._names, name)
        if at == len(self._names) or self._names[at] != name:
            raise KeyError(name)
        return int(self._numbers[at])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def is_system_file(name: str) -> bool:
    """Whether a path is one that macOS, Windows or a tool adds: `__MACOSX`, `._photo.jpg`, `Thumbs.db`, `.git`."""
    *folders, file = name.split("/")
    return (
        file.startswith("._")
        or file.lower() in _SYSTEM_FILES
        or any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in folders)
    )


def normalize_path(name: str) -> str:
    """Return a path with composed letters (NFC) and without `.` parts; undecodable bytes are replaced."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    normalized = str(PurePosixPath(unicodedata.normalize("NFC", text)))
    return name if normalized == name else normalized  # one object in memory


def unique_path(name: str, names: Container[str]) -> str:
    """Return the path, numbered if there is already one: two paths may become equal when they are composed."""
    path, unique, number = PurePosixPath(name), name, 2
    while unique in names:
        unique, number = str(path.with_name(f"{path.stem} ({number}){path.suffix}")), number + 1
    return unique


class _Folder:
    index = None

    def __init__(self, path: Path) -> None:
        self.path, self.originals = path, dict[str, str]()

    @property
    def renamed(self) -> int:
        return sum(name != original for name, original in self.originals.items())

    def files(self) -> Iterator[tuple[str, int, str]]:
        self.originals = {}
        for folder, inner, files in os.walk(self.path):
            inner.sort()
            for file in sorted(files):
                path = Path(folder) / file
                original = path.relative_to(self.path).as_posix()
                if is_system_file(original):
                    continue
                name = unique_path(normalize_path(original), self.originals)
                self.originals[name] = original
                try:
                    about = path.lstat()
                except OSError as error:
                    yield name, 0, f"it cannot be read ({error.strerror})."
                    continue
                yield name, about.st_size, _reject_special(about.st_mode) or _reject_hidden(name)

    def read(self, name: str) -> bytes:
        if not self.originals:
            collections.deque(self.files(), maxlen=0)  # indexes the names
        with (self.path / self.originals[name]).open("rb") as file:
            return file.read(MAX_BYTES + 1)


def _reject_special(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link to another file: put the image itself here."
    return "" if stat.S_ISREG(mode) else "not a regular file."


def _reject_hidden(name: str) -> str:
    return "a hidden file: its name starts with a dot." if name.rpartition("/")[2].startswith(".") else ""


class _Food101(_Folder):
    """Food-101 as torchvision unpacks it: `images/<class>/<number>.jpg`, and the test files listed in `meta`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path / "images")
        test_names = (path / "meta" / "test.txt").read_text(encoding="utf-8").split()
        self.test_files = {f"{name}.jpg" for name in test_names}

    def files(self) -> Iterator[tuple[str, int, str]]:
        for name, size, reason in super().files():
            yield f"{'test' if name in self.test_files else 'train'}/{name}", size, reason

    def read(self, name: str) -> bytes:
        return super().read(name.partition("/")[2])


class _Zip:
    def __init__(self, directory: ZipDirectory, title: str, index: Mapping[str, int] | None) -> None:
        self.directory, self.title, self.renamed = directory, title, 0
        self.index: Mapping[str, int] = index or {}

    def files(self) -> Iterator[tuple[str, int, str]]:
        self.index, self.renamed = positions, _ = dict[str, int](), 0
        entries = iter(self.directory)
        while (entry := self._next(entries)) is not None:
            position, info = entry
            original = info.filename.replace("\\", "/")
            if original.endswith("/") or is_system_file(original):
                continue
            name = unique_path(normalize_path(original), positions)
            positions[name] = position
            self.renamed += name != info.filename or not (info.flag_bits & UTF8_FLAG or name.isascii())
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or ":" in name:
                yield name, 0, "its path leads out of the archive."
            elif info.flag_bits & _ENCRYPTED:
                yield name, 0, "encrypted: create the zip without a password."
            else:
                yield name, info.file_size, _reject_hidden(name)
        self.index = PathIndex(list(positions), list(positions.values()))

    def _next(self, entries: Iterator[tuple[int, zipfile.ZipInfo]]) -> tuple[int, zipfile.ZipInfo] | None:
        try:
            return next(entries, None)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(f"{self.title} is damaged ({error}): create the zip again.") from None

    def read(self, name: str) -> bytes:
        if not self.index:
            collections.deque(self.files(), maxlen=0)  # indexes the names
        return self.directory.read(self.directory.entry_at(self.index[name]), MAX_BYTES + 1)
