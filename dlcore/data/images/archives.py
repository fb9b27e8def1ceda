"""Folders and zips that files are read from. A zip is read in place and never unpacked, so paths cannot escape it."""

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from dlcore.core.errors import DataError
from dlcore.data.images.files import MAX_BYTES

_EXPECTED = "provide a folder or a zip of class folders."


class Source(Protocol):
    """A folder or zip that files are read from; reads stop just above the size limit."""

    def files(self) -> Iterator[tuple[str, int, str]]:
        """Yield path, size in bytes, and the reason if the file is rejected unread."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open the folder or zip at `path`.

    Raises:
        DataError: It is neither, or the zip cannot be read.
    """
    if path.is_dir():
        yield _Food101(path) if (path / "meta" / "test.txt").is_file() else _Folder(path)
        return
    try:
        with path.open("rb") as file, open_zip(file, path.name) as archive:
            yield archive
    except (FileNotFoundError, PermissionError) as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}): {_EXPECTED}") from None


@contextlib.contextmanager
def open_zip(file: IO[bytes], name: str) -> Iterator[Source]:
    """Open a zip from an open file; `name` is used in errors.

    Raises:
        DataError: The zip cannot be read.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{name} is neither a folder nor a readable zip ({error}): {_EXPECTED}") from None
    with archive:
        yield _Zip(archive)


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> Iterator[tuple[str, int, str]]:
        for folder, inner, files in os.walk(self.path):
            inner.sort()
            for file in sorted(files):
                path = Path(folder) / file
                name = path.relative_to(self.path).as_posix()
                try:
                    about = path.lstat()
                except OSError as error:
                    yield name, 0, f"it cannot be read ({error.strerror})."
                    continue
                if stat.S_ISLNK(about.st_mode):
                    yield name, 0, "a link to another file: put the image itself here."
                elif not stat.S_ISREG(about.st_mode):
                    yield name, 0, "not a regular file."
                else:
                    yield name, about.st_size, ""

    def read(self, name: str) -> bytes:
        with (self.path / name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


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
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}

    def files(self) -> Iterator[tuple[str, int, str]]:
        for name, entry in self.entries.items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
                yield name, 0, "its path leads out of the archive."
            elif entry.flag_bits & 1:
                yield name, 0, "encrypted: create the zip without a password."
            elif name != str(path):
                yield name, 0, "its path is not normalized."
            else:
                yield name, entry.file_size, ""

    def read(self, name: str) -> bytes:
        with self.archive.open(self.entries[name]) as file:
            return file.read(MAX_BYTES + 1)
