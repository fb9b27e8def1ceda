"""Decodes an untrusted image file: EXIF rotation, resizing, uint8; invalid files are rejected with a reason.

The format is detected by content, never by name; the size is checked before decoding.
"""

import contextlib
import functools
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlcore.core.errors import DataError
from dlcore.data.images import depth

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
SETS = (*FORMATS, "TIFF", "PPM")
"""Formats in image datasets: also those of cameras and microscopes."""
MAX_SIDE, MAX_PIXELS, MAX_BYTES = 12_000, 40_000_000, 20 * 2**20
LARGE, _ONE_LARGE = 8_000_000, threading.Lock()
"""Images with more pixels are decoded one at a time, across all sessions."""
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
NOTES = {
    "16 bits per pixel": "deep_images",
    "CMYK": "cmyk_images",
    "black and white": "bilevel_images",
}
"""How notes on conversions start, and the kind of each."""


@dataclass(frozen=True)
class DecodedImage:
    """Pixels (H, W, 3) uint8, and a note on conversions."""

    pixels: np.ndarray
    note: str = ""


def read_rgb(payload: bytes, *, side: int, formats: tuple[str, ...] = FORMATS) -> DecodedImage:
    """Decode an image to (side, side, 3) uint8: shorter side resized to `side`, center crop.

    EXIF rotation is applied; transparency becomes white; CMYK and 1-bit pixels are converted, 16-bit ones scaled by
    the range of their values.

    Raises:
        DataError: The file is not an image of these formats, damaged, animated, or too large.
    """
    with (
        open_image(payload, formats=formats, draft=("RGB", (2 * side, 2 * side))) as image,
        _large_image_lock(image),
    ):
        if getattr(image, "is_animated", False) and image.format != "MPO":  # MPO: a phone's JPEG with a preview
            raise DataError("it contains several images (animated, or several pages): save a single one.")
        note = _note(image, payload)
        return DecodedImage(np.asarray(_to_rgb(_resize_and_crop(_load_upright(image, payload), side))), note)


def read_gray(payload: bytes, *, height: int, width: int) -> np.ndarray:
    """Decode an image like those of MNIST: (H, W) uint8, a bright object on a dark background, filling the frame.

    EXIF rotation, grayscale, inversion of light backgrounds, crop to the object, resizing with its aspect ratio.

    Raises:
        DataError: The file is not an image of a known format, damaged, or too large.
    """
    with open_image(payload, draft=("L", (4 * width, 4 * height))) as image, _large_image_lock(image):
        gray = np.asarray(_to_rgb(_load_upright(image, payload)).convert("L"))
    return _frame(gray, height=height, width=width)


@contextlib.contextmanager
def open_image(
    payload: bytes, *, formats: tuple[str, ...] = FORMATS, draft: tuple[str, tuple[int, int]] | None = None
) -> "Iterator[Image.Image]":
    """Open an image without decoding it; its size and format are checked.

    `draft` lets a JPEG be decoded at reduced size: a mode and the minimum size (width, height).

    Raises:
        DataError: The file is not an image of these formats, too large, or decoding it in the block fails.
    """
    from PIL import Image, UnidentifiedImageError

    if not payload:
        raise DataError("this is not an image: the file is empty (zero bytes).")
    if len(payload) > MAX_BYTES:
        raise DataError(f"the image file has {len(payload) / 2**20:.0f} MB; up to {MAX_BYTES // 2**20} MB is read.")
    if is_heic(payload) and _register_heic():
        formats = (*formats, "HEIF")
    too_many = f"at most {MAX_PIXELS / 1e6:g} million are read, and {MAX_SIDE:,} on a side: make it smaller."
    try:
        with _silence_warnings(), Image.open(io.BytesIO(payload), formats=formats) as image:
            across, down = image.size  # from the header: nothing is decoded yet
            if max(across, down) > MAX_SIDE or across * down > MAX_PIXELS:
                raise DataError(f"the image has {across:,} x {down:,} pixels; {too_many}")
            if draft and image.mode in ("L", "RGB", "YCbCr"):
                image.draft(*draft)
            yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        hint = _describe_other_format(payload) or f"expected formats are {', '.join(formats)}."
        raise DataError(f"this is not an image that can be read: {hint}") from None
    except Image.DecompressionBombError:
        raise DataError(f"the image has too many pixels; {too_many}") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, RuntimeError) as error:
        raise DataError(f"the image cannot be read, it may be damaged ({' '.join(str(error).split())[:80]}).") from None


def _large_image_lock(image: "Image.Image") -> contextlib.AbstractContextManager[object]:
    """Return a lock for large images, which are decoded one at a time."""
    return _ONE_LARGE if image.width * image.height > LARGE else contextlib.nullcontext()


@contextlib.contextmanager
def _silence_warnings() -> Iterator[None]:
    """Silence Pillow's warnings on large images and unusual EXIF, which are handled here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _describe_other_format(payload: bytes) -> str:
    """Describe files that are often mistaken for images, with a next step; empty for others."""
    head = payload[:512].lstrip().lower()
    if is_heic(payload):
        how = "it may be damaged" if _register_heic() else "or install its decoder: pip install 'dlcore[heic]'"
        return f"it is HEIC, as phones write it; save or send it as JPEG, {how}."
    if payload[4:8] == b"ftyp" and payload[8:12] in (b"avif", b"avis"):
        return "it is AVIF; save or send it as JPEG."
    if head.startswith((b"<svg", b"<?xml")):
        return "it is a vector graphic (SVG); save it as PNG."
    if head.startswith((b"<!doctype html", b"<html")):
        return "it is a web page; save the image itself."
    return "it is a PDF; save the page as PNG." if head.startswith(b"%pdf") else ""


def is_heic(payload: bytes) -> bool:
    """Whether the content is HEIC (HEIF with HEVC), as phones write it."""
    return payload[4:8] == b"ftyp" and payload[8:12] in _HEIC_BRANDS


@functools.cache
def _register_heic() -> bool:
    """Register the optional HEIC decoder with Pillow; return whether it is installed."""
    try:
        import pi_heif
    except ImportError:
        return False
    pi_heif.register_heif_opener(thumbnails=False)
    return True


def _note(image: "Image.Image", payload: bytes) -> str:
    if image.mode == "1":
        return "black and white (1 bit), converted to gray"
    if image.mode in depth.MODES or depth.is_deep_color(payload):
        return "16 bits per pixel, scaled to 8 by its range of values"
    return "CMYK (for print), converted to RGB" if image.mode == "CMYK" else ""


def _load_upright(image: "Image.Image", payload: bytes) -> "Image.Image":
    """Decode and apply EXIF rotation."""
    from PIL import ImageOps

    if image.mode == "F":
        raise DataError("its pixels are floating-point numbers: save it with 8 or 16 bits per pixel.")
    if depth.is_deep_color(payload):
        image = depth.read_deep_color(image, payload)
    image.load()
    depth.check_color_tiff(image)
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: "Image.Image") -> "Image.Image":
    """Convert to RGB with a white background."""
    from PIL import Image

    if image.mode in depth.MODES:
        return depth.to_8_bit(image).convert("RGB")
    if _transparent(image):
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _transparent(image: "Image.Image") -> bool:
    return "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info


def _resize_and_crop(image: "Image.Image", side: int) -> "Image.Image":
    """Resize the shorter side to `side` and crop the center square; an image of that size is unchanged.

    Resizing is before color conversion if the mode allows it, which saves a copy of large images.
    """
    from PIL import Image

    across, down = image.size
    if (across, down) == (side, side):
        return image
    if image.mode in depth.MODES:
        image = depth.to_8_bit(image)
    elif image.mode not in ("RGB", "L", "LA", "RGBA", "CMYK") or "transparency" in image.info:
        image = _to_rgb(image)
    square = min(across, down)
    left, top = (across - square) / 2, (down - square) / 2
    box = (left, top, left + square, top + square)
    return image.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _frame(gray: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """Crop to the object on a dark background and center it in (height, width), keeping its aspect ratio."""
    from PIL import Image

    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    if np.median(border) > 127:
        gray = 255 - gray
    if gray.shape == (height, width):
        return gray.copy()  # already the size of the dataset's images
    background, brightest = int(gray.min()), int(gray.max())
    is_object = gray > background + max(16, (brightest - background) // 8)
    rows, columns = np.flatnonzero(is_object.any(axis=1)), np.flatnonzero(is_object.any(axis=0))
    if len(rows) and len(columns):
        gray = gray[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(height / gray.shape[0], width / gray.shape[1])
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    small = np.asarray(
        Image.fromarray(gray).resize(size, Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    )
    framed = np.full((height, width), background, dtype=np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return framed
