"""Image datasets by name: idx files, CIFAR-10, scikit-learn's digits, and class folders, decoded once and cached."""

import gzip
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as custom
from dlcore.data.custom import versions
from dlcore.data.images import array_cache, drawings, duplicates, folders
from dlcore.data.images.cifar import CIFAR_LABELS, read_cifar
from dlcore.data.images.decoded_folders import ABOUT, SIDE, decode_again, decode_folders
from dlcore.data.images.files import FORMATS, MAX_BYTES, read_gray, read_rgb
from dlcore.data.images.folders import Entry, RejectedFile
from dlcore.data.images.idx import read_idx
from dlcore.data.images.transforms import channel_mean_and_std, mean_and_std, normalize, resize, to_model_input
from dlcore.data.sources import locate as sources
from dlcore.data.sources.registry import load_pack_dataset
from dlcore.data.stratify import stratified_split

__all__ = [
    "CIFAR_LABELS",
    "FORMATS",
    "MAX_BYTES",
    "SIDE",
    "Images",
    "channel_mean_and_std",
    "load",
    "mean_and_std",
    "normalize",
    "read_cifar",
    "read_gray",
    "read_idx",
    "read_rgb",
    "resize",
    "to_model_input",
]

FASHION_LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
PARTS = ("pixels", "labels", "test_pixels", "test_labels")
_VERSION = 2
"""Increase it when decoding changes: cached arrays are then computed again."""
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Images:
    """An image dataset in memory or memory-mapped.

    `pixels` (N, H, W) or (N, H, W, 3) uint8 and `labels` (N,) int64 are for training and validation, `test_pixels` and
    `test_labels` for the test; `checksum` is the sha256 of all of them. `in_validation` (N,) marks the validation part
    of a source that has one, `is_excluded` (N,) images that a version of the dataset leaves out. `groups` (N,): images
    with the same number are duplicates and must stay in one split; `also_in_test` (N,) marks duplicates of test images.
    `exact` and `near` count exact and near duplicates (`near` is None if not computed), `conflicts` groups with
    different labels; `rejected` lists rejected files.
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    names: tuple[str, ...]
    checksum: str
    groups: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    also_in_test: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    in_validation: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    is_excluded: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    exact: int = 0
    near: int | None = None
    conflicts: int = 0
    rejected: tuple[RejectedFile, ...] = ()

    def __post_init__(self) -> None:
        """Without duplicate groups, every image is its own group."""
        if not len(self.groups):
            object.__setattr__(self, "groups", np.arange(len(self.labels)))
        if not len(self.also_in_test):
            object.__setattr__(self, "also_in_test", np.zeros(len(self.labels), dtype=bool))
        if not len(self.is_excluded):
            object.__setattr__(self, "is_excluded", np.zeros(len(self.labels), dtype=bool))
        if not len(self.in_validation):
            object.__setattr__(self, "in_validation", np.zeros(len(self.labels), dtype=bool))

    @property
    def usable_rows(self) -> np.ndarray:
        """Rows for training and validation: no copies of test images, and none that is excluded."""
        return np.flatnonzero(~(self.also_in_test | self.is_excluded))

    @property
    def channels(self) -> int:
        """1 for gray images, 3 for RGB."""
        return 1 if self.pixels.ndim == 3 else int(self.pixels.shape[3])

    def split_rows(self, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the training and of the validation split, without copies of test images.

        The validation split is the validation part of the source, whose copies are left out of training; without one it
        is a stratified `share`, with duplicates in one split.
        """
        rows = self.usable_rows
        if self.in_validation.any():
            validation = rows[self.in_validation[rows]]
            train = rows[~np.isin(self.groups[rows], self.groups[validation])]
        else:
            inner = duplicates.grouped_stratified_split(self.labels[rows], self.groups[rows], share, seed=seed)
            train, validation = rows[inner[0]], rows[inner[1]]
        return train, validation


def load(name: str, *, side: int = SIDE, checksum: str = "") -> Images:
    """Load a public or custom image dataset.

    `side` applies to class folders, whose images have any size; `checksum` is that of the custom dataset, if given.

    Raises:
        DataError: The dataset is missing, or a file is invalid.
    """
    if custom.is_custom(name):
        entry = custom.require(name, "images", checksum=checksum)
        if versions.is_version(entry):
            return _load_version(versions.load_version(entry), side)
        return _load_folders(f"custom-{entry.name}", entry.folder / folders.ARCHIVE, side, saved=True)
    if name in FOLDERS:
        return _load_folders(name, sources.require(name), side)
    if name not in LOADERS and (images := load_pack_dataset(name)) is not None:
        return cast(Images, images)
    return LOADERS[name](sources.require(name))


def _load_version(version: versions.Version, side: int) -> Images:
    """Return the base with new labels; images without a decision to use them are marked as excluded."""
    base = load(version.base, side=side, checksum=version.base_checksum)
    rows = np.arange(len(base.labels))
    is_excluded = ~np.isin(rows, np.concatenate([version.train, version.validation]))
    return replace(
        base,
        labels=version.relabel(rows, base.labels),
        in_validation=np.isin(rows, version.validation),
        is_excluded=is_excluded,
    )


def _load_fashion(folder: Path) -> Images:
    return _load_idx("fashion_mnist", folder, FASHION_LABELS)


def _load_mnist(folder: Path) -> Images:
    return _load_idx("mnist", folder, tuple("0123456789"))


def _load_idx(name: str, folder: Path, names: tuple[str, ...]) -> Images:
    """Load four idx files: training images and labels, test images and labels."""
    files = [folder / file.name for file in sources.get_dataset(name).files]

    def decode() -> Arrays:
        arrays = dict(zip(PARTS, map(read_idx, files), strict=True))
        for pixels, labels, file in (("pixels", "labels", files[0]), ("test_pixels", "test_labels", files[2])):
            images, classes = arrays[pixels], arrays[labels]
            if images.ndim != 3 or classes.ndim != 1 or len(images) != len(classes) or classes.max(initial=0) > 9:
                raise DataError(
                    f"{file}: {images.shape} images do not match {classes.shape} labels; download it again."
                )
        return arrays

    return _cached(name, files, decode, names=names)


def _load_digits(file: Path) -> Images:
    with gzip.open(file, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.int64)  # (1797, 64 values of 0..16 and the digit)
    pixels = np.round(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    labels = table[:, -1]
    train, test = stratified_split(labels, 0.2, seed=0)  # no official test split: a fixed one
    parts = (pixels[train], labels[train], pixels[test], labels[test])
    return _images(_find_duplicates(dict(zip(PARTS, parts, strict=True)), near=False), names=tuple("0123456789"))


def _load_cifar10(file: Path) -> Images:
    return _cached("cifar10", [file], lambda: read_cifar(file), names=CIFAR_LABELS, near=True)


def _load_drawings(path: Path) -> Images:
    files = list(drawings.list_files())

    def draw() -> Arrays:
        return dict(zip(PARTS, drawings.make_images(), strict=True))

    return _cached("food_drawings", files, draw, names=tuple(file.stem for file in files))


LOADERS: dict[str, Callable[[Path], Images]] = {
    "food_drawings": _load_drawings,
    "fashion_mnist": _load_fashion,
    "mnist": _load_mnist,
    "digits": _load_digits,
    "cifar10": _load_cifar10,
}
FOLDERS = ("dogs_food_vehicles", "food101_mini", "food101_ten", "food11", "food101")
"""Datasets stored as class folders, in a folder or zip."""


def _cached(
    name: str, files: list[Path], decode: Callable[[], Arrays], *, names: tuple[str, ...], near: bool = False
) -> Images:
    """Decode files and find duplicates once, into the cache folder; memory-map the result."""
    key = array_cache.checksum(*files, salt=f"files-{_VERSION}")

    def make(draft: Path) -> None:
        for part, array in _find_duplicates(decode(), near=near).items():
            np.save(draft / f"{part}.npy", array)

    return _images(_cached_arrays(name, key, make)[0], names=names)


def _find_duplicates(arrays: Arrays, *, near: bool) -> Arrays:
    """Add duplicate groups over both splits to the arrays."""
    pixels, labels = (np.concatenate([arrays[part], arrays[f"test_{part}"]]) for part in ("pixels", "labels"))
    result, n = duplicates.find(pixels, labels, near=near), len(arrays["pixels"])
    near_count = -1 if result.near is None else result.near
    return {
        **arrays,
        "groups": result.groups[:n],
        "also_in_test": np.isin(result.groups[:n], result.groups[n:]),
        "counts": np.array([result.exact, near_count, result.conflicts]),
    }


def _images(arrays: Mapping[str, np.ndarray], *, names: tuple[str, ...]) -> Images:
    digest = hashlib.sha256()
    for part in PARTS:
        digest.update(np.ascontiguousarray(arrays[part]).astype(np.uint8, copy=False).data)
    exact, near, conflicts = arrays["counts"].tolist()
    return Images(
        pixels=arrays["pixels"],
        labels=arrays["labels"].astype(np.int64),
        test_pixels=arrays["test_pixels"],
        test_labels=arrays["test_labels"].astype(np.int64),
        names=names,
        checksum=digest.hexdigest(),
        groups=np.asarray(arrays["groups"]),
        also_in_test=np.asarray(arrays["also_in_test"]),
        exact=exact,
        near=None if near < 0 else near,
        conflicts=conflicts,
    )


def _load_folders(name: str, path: Path, side: int, *, saved: bool = False) -> Images:
    """Load class folders, decoded once per side; without a test split, one is drawn.

    Duplicates and the test split are computed at the default side, so that they are the same for every side.
    """
    key = array_cache.checksum(path, salt=f"folders-{_VERSION}")
    arrays, about = _cached_arrays(name, key, lambda draft: decode_folders(path, draft, saved=saved))
    pixels, labels, groups, n = arrays["pixels"], arrays["labels"], np.asarray(arrays["groups"]), about["learn"]
    if side != SIDE:
        entries = [Entry(file, "") for file in about["files"]]
        again = _cached_arrays(f"{name}-{side}", key, lambda draft: decode_again(path, entries, side, draft))
        pixels = again[0]["pixels"]
    return Images(
        pixels=pixels[:n],
        labels=np.asarray(labels[:n]),
        test_pixels=pixels[n:],
        test_labels=np.asarray(labels[n:]),
        names=tuple(about["names"]),
        checksum=about["checksum"],
        groups=groups[:n],
        also_in_test=np.isin(groups[:n], groups[n:]),
        in_validation=np.asarray(arrays["in_validation"]),
        exact=about["exact"],
        near=about["near"],
        conflicts=about["conflicts"],
        rejected=tuple(RejectedFile(**file) for file in about["refused"]),
    )


def _cached_arrays(name: str, key: str, make: Callable[[Path], None]) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and metadata, memory-mapped from the cache, or in memory if the cache cannot be written."""
    try:
        path = array_cache.get_or_create(name, key, make)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="dlcore-") as draft:
            make(Path(draft))
            return _contents(Path(draft), lambda file: np.load(file, allow_pickle=False))
    return _contents(path, array_cache.load)


def _contents(path: Path, read: Callable[[Path], np.ndarray]) -> tuple[Arrays, dict[str, Any]]:
    about = json.loads((path / ABOUT).read_text(encoding="utf-8")) if (path / ABOUT).exists() else {}
    return {file.stem: read(file) for file in path.glob("*.npy")}, about
