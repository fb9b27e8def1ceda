"""Pictures: the idx files of Fashion-MNIST, scikit-learn's digits, and a picture somebody hands in."""

import gzip
import hashlib
import io
import math
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlcore.core import settings
from dlcore.core.errors import DataError
from dlcore.data import sources
from dlcore.data.stratify import stratified

FASHION_LABELS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
MAX_VALUES = 2**31
MAX_SIDE, MAX_PIXELS, MAX_BYTES = 12_000, 40_000_000, 20 * 2**20


@dataclass(frozen=True)
class Images:
    """A set of grey pictures in memory or memory-mapped.

    `pixels` (N, H, W) uint8 and `labels` (N,) int64 of the part to train and validate on, `test_pixels` and
    `test_labels` of the part kept for the end; `checksum` is the sha256 of all of these.
    """

    pixels: np.ndarray
    labels: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    names: tuple[str, ...]
    checksum: str


def load(name: str) -> Images:
    """The image dataset of that name.

    Raises:
        DataError: it is not on this machine, or a file is not what it should be.
    """
    return LOADERS[name](sources.require(name))


def _fashion(folder: Path) -> Images:
    files = [folder / file.name for file in sources.dataset("fashion_mnist").files]
    pixels, labels, test_pixels, test_labels = _cached("fashion_mnist", files)
    for images, classes, file in ((pixels, labels, files[0]), (test_pixels, test_labels, files[2])):
        if images.ndim != 3 or classes.ndim != 1 or len(images) != len(classes) or classes.max(initial=0) > 9:
            raise DataError(f"{file}: {images.shape} pictures do not go with {classes.shape} labels; fetch it again.")
    return _images(pixels, labels, test_pixels, test_labels, names=FASHION_LABELS)


def _digits(file: Path) -> Images:
    with gzip.open(file, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.int64)  # (1797, 64 values of 0..16 and the digit)
    pixels = np.round(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    labels = table[:, -1]
    rest, test = stratified(labels, 0.2, seed=0)  # no official test part: one drawn once, the same for every seed
    return _images(pixels[rest], labels[rest], pixels[test], labels[test], names=tuple("0123456789"))


LOADERS: dict[str, Callable[[Path], Images]] = {"fashion_mnist": _fashion, "digits": _digits}


def _images(
    pixels: np.ndarray, labels: np.ndarray, test_pixels: np.ndarray, test_labels: np.ndarray, *, names: tuple[str, ...]
) -> Images:
    digest = hashlib.sha256()
    for array in (pixels, labels, test_pixels, test_labels):
        digest.update(np.ascontiguousarray(array).astype(np.uint8, copy=False).data)
    return Images(
        pixels, labels.astype(np.int64), test_pixels, test_labels.astype(np.int64), names, checksum=digest.hexdigest()
    )


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


def _cached(name: str, files: list[Path]) -> list[np.ndarray]:
    """The idx files' arrays, decoded once into the cache folder and memory-mapped from there."""
    digest = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    folder = settings.cache() / "decoded" / f"{name}-{digest[:16]}"
    return [_array(file, folder / f"{file.name.removesuffix('.gz')}.npy") for file in files]


def _array(file: Path, cached: Path) -> np.ndarray:
    try:
        return np.load(cached, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        array = read_idx(file)
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as fresh:
            np.save(fresh, array)
        Path(fresh.name).replace(cached)  # whole or not at all: another process may be doing the same
    except OSError:
        return array  # no room for a cache: slower next time, nothing else
    return np.load(cached, mmap_mode="r", allow_pickle=False)


def standardise(pixels: np.ndarray) -> dict[str, float]:
    """Mean and standard deviation of uint8 pixels scaled to [0, 1]; of the training part, nothing else."""
    counts = np.bincount(np.ravel(pixels), minlength=256)  # exact, and no copy of the pixels as floats
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    spread = float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
    return {"mean": mean, "std": spread or 1.0}


def open_grey(payload: bytes, *, height: int, width: int) -> np.ndarray:
    """A picture's file as the model knows pictures: (H, W) uint8, bright thing on dark ground, filling the frame.

    Turned as its EXIF says, made grey, inverted where its border is light, cropped to what stands out, scaled with
    its proportions kept.

    Raises:
        DataError: not a picture of a known format, torn, or too large.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if len(payload) > MAX_BYTES:
        raise DataError(f"the picture's file has {len(payload) / 2**20:.0f} MB; up to {MAX_BYTES // 2**20} MB is read.")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(payload), formats=FORMATS) as picture:
            warnings.simplefilter("ignore")  # Pillow warns of large pictures and odd EXIF; both are dealt with here
            across, down = picture.size  # known from the head: nothing is decoded yet
            if max(across, down) > MAX_SIDE or across * down > MAX_PIXELS:
                raise DataError(
                    f"the picture has {across} x {down} pixels; make it smaller than {MAX_PIXELS / 1e6:g} million."
                )
            picture.draft("L", (4 * width, 4 * height))  # JPEG alone: decode at a fraction of the size
            turned = ImageOps.exif_transpose(picture)
            seen = turned.convert("RGBA") if "A" in turned.getbands() or "transparency" in turned.info else turned
            grey = _on_its_ground(seen)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(f"this is not a picture: a file of the formats {', '.join(FORMATS)} is wanted.") from None
    except Image.DecompressionBombError:
        raise DataError(
            f"the picture has too many pixels; make it smaller than {MAX_PIXELS / 1e6:g} million."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise DataError(f"the picture cannot be read, it may be torn ({' '.join(str(error).split())[:80]}).") from None
    return _framed(grey, height=height, width=width)


def _on_its_ground(picture: "object") -> np.ndarray:
    """Grey values of a picture; what is transparent counts as white."""
    from PIL import Image

    assert isinstance(picture, Image.Image)
    if picture.mode == "RGBA":
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return np.asarray(picture.convert("L"))


def _framed(grey: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Dark ground, cropped to the thing, proportions kept, in the middle of (height, width)."""
    from PIL import Image

    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if np.median(border) > 127:
        grey = 255 - grey
    if grey.shape == (height, width):
        return grey.copy()  # already the size of the data's own pictures: as it is
    ground, brightest = int(grey.min()), int(grey.max())
    stands_out = grey > ground + max(16, (brightest - ground) // 8)
    rows, columns = np.flatnonzero(stands_out.any(axis=1)), np.flatnonzero(stands_out.any(axis=0))
    if len(rows) and len(columns):
        grey = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(height / grey.shape[0], width / grey.shape[1])
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = np.asarray(
        Image.fromarray(grey).resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    )
    framed = np.full((height, width), ground, dtype=np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return framed


def scaled(pixels: np.ndarray, preprocessing: Mapping[str, float]) -> np.ndarray:
    """uint8 pixels as a model reads them: ([0, 1] - mean) / std, float32."""
    values = (pixels.astype(np.float32) / 255 - preprocessing["mean"]) / preprocessing["std"]
    return values.astype(np.float32)
