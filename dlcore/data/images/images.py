"""Image datasets by name: idx files, CIFAR-10's binary records, scikit-learn's digits, and zips of class folders."""

import gzip
import hashlib
import json
import math
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.custom import registry as custom
from dlcore.data.images import array_cache, duplicates, folders
from dlcore.data.images.files import FORMATS, MAX_BYTES, read_gray, read_rgb
from dlcore.data.images.folders import Entry, RejectedFile
from dlcore.data.sources import locate as sources
from dlcore.data.stratify import stratified_split

__all__ = [
    "FORMATS",
    "MAX_BYTES",
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
CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 64
"""Pixels to which pictures of class folders are brought, unless another side is asked for."""
TEST_SHARE = 0.15
"""Of pictures that come without a test part of their own."""
MAX_VALUES = 2**31
PARTS = ("pixels", "labels", "test_pixels", "test_labels")
_VERSION = 1
"""Counted up when sets are decoded differently: the cache is made anew then."""
ABOUT = "about.json"
CIFAR_FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
"""Five files to learn from and one to test on."""
_CIFAR_ROW = 1 + 3 * 32 * 32

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Images:
    """A set of pictures in memory or memory-mapped.

    `pixels` (N, H, W) or (N, H, W, 3) uint8 and `labels` (N,) int64 of the part to train and validate on,
    `test_pixels` and `test_labels` of the part kept for the end; `checksum` is the sha256 of all of these.
    `groups` (N,): pictures with the same number are duplicates, and belong on one side of a split; `also_in_test` (N,)
    marks those that the test part holds too. `exact`, `near` and `conflicts` count repeated pictures over both parts
    (`near` is None where it was not looked for) and groups with different labels; `refused` lists files left out.
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    names: tuple[str, ...]
    checksum: str
    groups: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    also_in_test: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))
    exact: int = 0
    near: int | None = None
    conflicts: int = 0
    refused: tuple[RejectedFile, ...] = ()

    def __post_init__(self) -> None:
        """Where nothing is said of duplicates every picture stands for itself."""
        if not len(self.groups):
            object.__setattr__(self, "groups", np.arange(len(self.labels)))
        if not len(self.also_in_test):
            object.__setattr__(self, "also_in_test", np.zeros(len(self.labels), dtype=bool))

    @property
    def channels(self) -> int:
        """1 for grey pictures, 3 for coloured ones."""
        return 1 if self.pixels.ndim == 3 else int(self.pixels.shape[3])


def load(name: str, *, side: int = SIDE, checksum: str = "") -> Images:
    """The image dataset of that name, `own:NAME` for one of one's own.

    `side` is heeded by sets of class folders, which hold pictures of any size; `checksum` is that of the set of one's
    own that a run was made from.

    Raises:
        DataError: it is not on this machine, or a file is not what it should be.
    """
    if custom.is_custom(name):
        entry = custom.require(name, "images", checksum=checksum)
        return _folders(f"custom-{entry.name}", entry.folder / folders.ARCHIVE, side)
    if name in FOLDERS:
        return _folders(name, sources.require(name), side)
    return LOADERS[name](sources.require(name))


def _fashion(folder: Path) -> Images:
    return _idx("fashion_mnist", folder, FASHION_LABELS)


def _mnist(folder: Path) -> Images:
    return _idx("mnist", folder, tuple("0123456789"))


def _idx(name: str, folder: Path, names: tuple[str, ...]) -> Images:
    """A set in MNIST's layout: pictures and labels to train on, pictures and labels to test on."""
    files = [folder / file.name for file in sources.get_dataset(name).files]

    def decode() -> Arrays:
        arrays = dict(zip(PARTS, map(read_idx, files), strict=True))
        for pixels, labels, file in (("pixels", "labels", files[0]), ("test_pixels", "test_labels", files[2])):
            images, classes = arrays[pixels], arrays[labels]
            if images.ndim != 3 or classes.ndim != 1 or len(images) != len(classes) or classes.max(initial=0) > 9:
                raise DataError(
                    f"{file}: {images.shape} pictures do not go with {classes.shape} labels; fetch it again."
                )
        return arrays

    return _cached(name, files, decode, names=names)


def _digits(file: Path) -> Images:
    with gzip.open(file, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.int64)  # (1797, 64 values of 0..16 and the digit)
    pixels = np.round(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    labels = table[:, -1]
    rest, test = stratified_split(labels, 0.2, seed=0)  # no official test part: one drawn once, the same for every seed
    parts = (pixels[rest], labels[rest], pixels[test], labels[test])
    return _images(_compared(dict(zip(PARTS, parts, strict=True)), near=False), names=tuple("0123456789"))


def _cifar10(file: Path) -> Images:
    return _cached("cifar10", [file], lambda: read_cifar(file), names=CIFAR_LABELS, near=True)


LOADERS: dict[str, Callable[[Path], Images]] = {
    "fashion_mnist": _fashion,
    "mnist": _mnist,
    "digits": _digits,
    "cifar10": _cifar10,
}
FOLDERS = ("dogs_food_vehicles", "food101_mini", "food11", "food101")
"""Datasets that are zips or folders of class folders."""


def read_idx(path: Path) -> np.ndarray:
    """An idx file of unsigned bytes, gzipped or plain, as an array of the shape its head says.

    Format: two zero bytes, the type 8, the number of dimensions, each dimension as a big-endian int32, the values.

    Raises:
        DataError: the head is not that, or there are fewer or more bytes than it says.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            with gzip.GzipFile(fileobj=plain) if packed else plain as file:
                head = file.read(4)
                if len(head) < 4 or head[:3] != b"\0\0\x08" or not 1 <= head[3] <= 4:
                    raise DataError(f"{path}: not an idx file of bytes (it starts with {head!r}); fetch it again.")
                shape = tuple(int(n) for n in np.frombuffer(file.read(4 * head[3]), dtype=">u4"))
                size = math.prod(shape)
                values = file.read(min(size, MAX_VALUES) + 1)  # one more than wanted, and never more than that
    except (OSError, EOFError, gzip.zlib.error) as error:  # type: ignore[attr-defined]
        raise DataError(f"{path}: cannot be unpacked ({error}); fetch it again.") from None
    if len(values) != size:
        raise DataError(f"{path}: its head says {size} values, it holds {len(values)}; fetch it again.")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


def read_cifar(path: Path) -> Arrays:
    """CIFAR-10's binary version: records of a label and 32 x 32 red, then green, then blue values, in six files.

    Read out of the tar file in memory; the version for Python is a pickle, which is never opened here.

    Raises:
        DataError: it is not that file, or a part is missing or of another length.
    """
    found: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if not member.isfile() or name not in CIFAR_FILES:
                    continue
                opened = archive.extractfile(member)
                assert opened is not None
                if member.size > MAX_VALUES or member.size % _CIFAR_ROW:
                    raise DataError(f"{path}: '{name}' is not made of records of {_CIFAR_ROW} bytes; fetch it again.")
                found[name] = np.frombuffer(opened.read(), dtype=np.uint8).reshape(-1, _CIFAR_ROW)
    except (tarfile.TarError, OSError, EOFError, gzip.zlib.error, ValueError) as error:  # type: ignore[attr-defined]
        raise DataError(f"{path}: cannot be unpacked ({error}); fetch it again.") from None
    missing = [name for name in CIFAR_FILES if name not in found]
    if missing:
        raise DataError(f"{path}: holds no {missing[0]}; fetch the binary version again.")
    parts = []
    for records in (np.concatenate([found[name] for name in CIFAR_FILES[:-1]]), found[CIFAR_FILES[-1]]):
        if records[:, 0].max(initial=0) > 9:
            raise DataError(f"{path}: a label is not from 0 to 9; fetch it again.")
        colours = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # (N, 3, H, W) -> (N, H, W, 3)
        parts += [np.ascontiguousarray(colours), records[:, 0].copy()]
    return dict(zip(PARTS, parts, strict=True))


def _cached(
    name: str, files: list[Path], decode: Callable[[], Arrays], *, names: tuple[str, ...], near: bool = False
) -> Images:
    """A set of files decoded and compared once into the cache folder, and memory-mapped from there."""
    key = array_cache.checksum(*files, salt=f"files-{_VERSION}")

    def make(draft: Path) -> None:
        for part, array in _compared(decode(), near=near).items():
            np.save(draft / f"{part}.npy", array)

    return _images(_kept(name, key, make)[0], names=names)


def _compared(arrays: Arrays, *, near: bool) -> Arrays:
    """The arrays, and beside them which pictures are the same, over both parts."""
    pixels, labels = (np.concatenate([arrays[part], arrays[f"test_{part}"]]) for part in ("pixels", "labels"))
    found, n = duplicates.find(pixels, labels, near=near), len(arrays["pixels"])
    near_count = -1 if found.near is None else found.near
    return {
        **arrays,
        "groups": found.groups[:n],
        "also_in_test": np.isin(found.groups[:n], found.groups[n:]),
        "counts": np.array([found.exact, near_count, found.conflicts]),
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


def _folders(name: str, path: Path, side: int) -> Images:
    """A zip or folder of class folders, decoded once at that side; a test part is drawn where it brings none.

    Which pictures are alike and which are kept for the test is decided at the usual side, so it is the same at every.
    """
    key = array_cache.checksum(path, salt=f"folders-{_VERSION}")
    arrays, about = _kept(name, key, lambda draft: _decode_folders(path, draft))
    pixels, labels, groups, n = arrays["pixels"], arrays["labels"], np.asarray(arrays["groups"]), about["learn"]
    if side != SIDE:
        entries = [Entry(file, "") for file in about["files"]]
        pixels = _kept(f"{name}-{side}", key, lambda draft: _decode_again(path, entries, side, draft))[0]["pixels"]
    return Images(
        pixels=pixels[:n],
        labels=np.asarray(labels[:n]),
        test_pixels=pixels[n:],
        test_labels=np.asarray(labels[n:]),
        names=tuple(about["names"]),
        checksum=about["checksum"],
        groups=groups[:n],
        also_in_test=np.isin(groups[:n], groups[n:]),
        exact=about["exact"],
        near=about["near"],
        conflicts=about["conflicts"],
        refused=tuple(RejectedFile(**one) for one in about["refused"]),
    )


def _decode_folders(path: Path, draft: Path) -> None:
    """Decode, compare and cut into parts; rows of the part to learn from come first, those of the test part after."""
    with folders.source(path) as opened:
        entries, refused = folders.list_entries(opened)
        raw = _blank(draft / "raw.npy", len(entries), SIDE)
        good, remarks = folders.decode(opened, entries, raw)
    rows = np.flatnonzero(good)
    names = folders.class_names([entries[row] for row in rows], [*refused, *remarks])
    labels = np.array([names.index(entries[row].label) for row in rows])
    found = duplicates.find(raw[rows], labels)
    in_test = np.array([entries[row].part == "test" for row in rows])
    if in_test.any():
        rest, test = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    else:
        rest, test = duplicates.grouped_stratified_split(labels, found.groups, TEST_SHARE, seed=0)
    order = np.r_[rest, test]
    pixels = _blank(draft / "pixels.npy", len(order), SIDE)
    for start in range(0, len(order), 1024):
        pixels[start : start + 1024] = raw[rows[order[start : start + 1024]]]
    del raw
    (draft / "raw.npy").unlink()
    np.save(draft / "labels.npy", labels[order])
    np.save(draft / "groups.npy", found.groups[order])
    about = {
        "learn": len(rest),
        "names": names,
        "exact": found.exact,
        "near": found.near,
        "conflicts": found.conflicts,
        "refused": [asdict(one) for one in [*refused, *remarks]],
        "files": [entries[rows[at]].name for at in order],
        "checksum": hashlib.sha256(hashlib.sha256(pixels.data).digest() + labels[order].tobytes()).hexdigest(),
    }
    (draft / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _decode_again(path: Path, entries: list[Entry], side: int, draft: Path) -> None:
    """The same pictures in the same order at another side."""
    with folders.source(path) as opened:
        folders.decode(opened, entries, _blank(draft / "pixels.npy", len(entries), side))


def _blank(file: Path, n: int, side: int) -> np.memmap:
    return np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=(n, side, side, 3))


def _kept(name: str, key: str, make: Callable[[Path], None]) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and what is said about them: memory-mapped from the cache, or in memory where there is no room for one."""
    try:
        place = array_cache.get_or_create(name, key, make)
    except OSError:
        with tempfile.TemporaryDirectory(prefix="dlcore-") as draft:
            make(Path(draft))
            return _contents(Path(draft), lambda file: np.load(file, allow_pickle=False))
    return _contents(place, array_cache.load)


def _contents(place: Path, read: Callable[[Path], np.ndarray]) -> tuple[Arrays, dict[str, Any]]:
    about = json.loads((place / ABOUT).read_text(encoding="utf-8")) if (place / ABOUT).exists() else {}
    return {file.stem: read(file) for file in place.glob("*.npy")}, about


def mean_and_std(pixels: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation of uint8 pixels scaled to [0, 1]; of the training part, nothing else."""
    counts = np.bincount(np.ravel(pixels), minlength=256)  # exact, and no copy of the pixels as floats
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    spread = float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
    return {"mean": mean, "std": spread or 1.0}


def channel_mean_and_std(pixels: np.ndarray) -> dict[str, list[float]]:
    """The same for each channel of pixels (N, H, W, C)."""
    scales = [mean_and_std(pixels[..., channel]) for channel in range(pixels.shape[-1])]
    return {name: [scale[name] for scale in scales] for name in ("mean", "std")}


def normalize(pixels: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """uint8 pixels (..., C) or (..., H, W) as a model reads them: ([0, 1] - mean) / std, float32."""
    mean, spread = (np.asarray(preprocessing[name], dtype=np.float32) for name in ("mean", "std"))
    return ((pixels.astype(np.float32) / 255 - mean) / spread).astype(np.float32)


def resize(pixels: np.ndarray, side: int) -> np.ndarray:
    """Pictures (N, H, W) or (N, H, W, C), uint8, brought to side x side; those of that size are given as they are.

    Shrunk pixels are means of what they cover, enlarged ones lie between their neighbours.
    """
    if pixels.shape[1:3] == (side, side):
        return pixels
    from PIL import Image

    found = np.empty((len(pixels), side, side, *pixels.shape[3:]), dtype=np.uint8)
    for row, picture in enumerate(pixels):
        small = Image.fromarray(np.ascontiguousarray(picture))
        found[row] = np.asarray(small.resize((side, side), Image.Resampling.BILINEAR))
    return found


def to_model_input(pixels: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """One picture (H, W) or (H, W, C), uint8, as its model reads it: (H, W) or (C, H, W), float32.

    `preprocessing` is a run's; its `kind` tells grey pictures laid flat from those for convolutions, which are brought
    to the model's side.
    """
    if preprocessing.get("kind") != "picture":
        return normalize(pixels, preprocessing)
    sized = resize(pixels[None], int(preprocessing["side"]))[0]
    return np.ascontiguousarray(normalize(sized.reshape(*sized.shape[:2], -1), preprocessing).transpose(2, 0, 1))
