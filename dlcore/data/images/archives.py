"""Folders and zips that files are read from. A zip is read in place and never unpacked, so paths cannot escape it.

Names are decoded, composed and made unique here, for datasets and uploads alike.
"""

import bisect
import collections
import contextlib
import os
import re
import stat
import unicodedata
import zipfile
from array import array
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
_ODD_PARTS = re.compile(r"//|(?:^|/)\.(?:/|$)|^$|/$")
"""Empty parts and dots of a path."""


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
        objects = np.fromiter(names, object, len(names))
        order = np.argsort(objects, kind="stable")
        self._names: list[str] = objects[order].tolist()
        self._numbers = np.asarray(numbers, np.uint64)[order]

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
    normalized = unicodedata.normalize("NFC", text)
    if _ODD_PARTS.search(normalized):
        normalized = str(PurePosixPath(normalized))
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


class _Names:
    """The paths of a zip as hashes, a tenth of the memory of a set: which occur more than once, and which are taken."""

    def __init__(self, names: Iterator[str]) -> None:
        self.hashes, counts = np.unique(np.fromiter((hash(name) for name in names), np.int64), return_counts=True)
        self.repeated = set(self.hashes[counts > 1].tolist())
        self.met: set[str] = set()

    def is_repeated(self, name: str) -> bool:
        """Return whether an earlier file has this path."""
        is_known = name in self.met
        if hash(name) in self.repeated:
            self.met.add(name)
        return is_known

    def __contains__(self, name: object) -> bool:
        at = int(np.searchsorted(self.hashes, hash(name)))
        is_taken = name in self.met or (at < len(self.hashes) and int(self.hashes[at]) == hash(name))
        if not is_taken:
            self.met.add(str(name))
        return is_taken


class _Zip:
    def __init__(self, directory: ZipDirectory, title: str, index: Mapping[str, int] | None) -> None:
        self.directory, self.title, self.renamed = directory, title, 0
        self.index: Mapping[str, int] = index or {}

    def files(self) -> Iterator[tuple[str, int, str]]:
        self.renamed = 0
        known_names = _Names(name for _, _, name in self._list())
        names, positions = list[str](), array("Q")
        for position, info, listed in self._list():
            name = unique_path(listed, known_names) if known_names.is_repeated(listed) else listed
            names.append(name)
            positions.append(position)
            self.index = {name: position}  # of the file that is yielded, until all are known
            self.renamed += name != info.filename or not (info.flag_bits & UTF8_FLAG or name.isascii())
            if name.startswith("/") or ".." in name.split("/") or ":" in name:
                yield name, 0, "its path leads out of the archive."
            elif info.flag_bits & _ENCRYPTED:
                yield name, 0, "encrypted: create the zip without a password."
            else:
                yield name, info.file_size, _reject_hidden(name)
        self.index = PathIndex(names, positions)

    def _list(self) -> Iterator[tuple[int, zipfile.ZipInfo, str]]:
        """Yield position, entry and path of the files that are not those of the operating system."""
        try:
            for position, info in self.directory:
                original = info.filename.replace("\\", "/")
                if not original.endswith("/") and not is_system_file(original):
                    yield position, info, normalize_path(original)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise DataError(f"{self.title} is damaged ({error}): create the zip again.") from None

    def read(self, name: str) -> bytes:
        if not self.index:
            collections.deque(self.files(), maxlen=0)  # indexes the names
        return self.directory.read(self.directory.entry_at(self.index[name]), MAX_BYTES + 1)
