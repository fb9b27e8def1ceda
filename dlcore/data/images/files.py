"""One picture's file, opened with suspicion: turned upright, brought to size as uint8, or refused with a reason.

The content decides, never the name. Size is checked before anything is decoded.
"""

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlcore.core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
SETS = (*FORMATS, "TIFF", "PPM")
"""What a folder of pictures may hold besides: formats that cameras and microscopes write."""
MAX_SIDE, MAX_PIXELS, MAX_BYTES = 12_000, 40_000_000, 20 * 2**20
LARGE, _ONE_LARGE = 8_000_000, threading.Lock()
"""Of pictures with more pixels one is decoded at a time, however many people hand them in at once."""
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")


@dataclass(frozen=True)
class DecodedImage:
    """A picture as the workbench keeps it: pixels (H, W, 3) uint8, and what had to be done to get there."""

    pixels: np.ndarray
    note: str = ""


def read_rgb(payload: bytes, *, side: int, formats: tuple[str, ...] = FORMATS) -> DecodedImage:
    """A picture's file as (side, side, 3) uint8: shorter side scaled to `side`, the middle kept.

    Turned as its EXIF says; what is transparent lies on white; CMYK, 1-bit and 16-bit pixels are converted.

    Raises:
        DataError: not a picture of these formats, torn, animated, or too large.
    """
    with open_image(payload, formats=formats, draft=("RGB", (2 * side, 2 * side))) as picture, _in_turn(picture):
        if getattr(picture, "is_animated", False) and picture.format != "MPO":  # MPO: a phone's JPEG with a preview
            raise DataError("it holds several pictures (animated, or several pages): save the one that is meant.")
        note = _note(picture)
        return DecodedImage(np.asarray(_colour(_fitted(_upright(picture), side))), note)


def read_gray(payload: bytes, *, height: int, width: int) -> np.ndarray:
    """A picture's file as the model knows pictures: (H, W) uint8, bright thing on dark ground, filling the frame.

    Turned as its EXIF says, made grey, inverted where its border is light, cropped to what stands out, scaled with
    its proportions kept.

    Raises:
        DataError: not a picture of a known format, torn, or too large.
    """
    with open_image(payload, draft=("L", (4 * width, 4 * height))) as picture, _in_turn(picture):
        grey = np.asarray(_colour(_upright(picture)).convert("L"))
    return _framed(grey, height=height, width=width)


@contextlib.contextmanager
def open_image(
    payload: bytes, *, formats: tuple[str, ...] = FORMATS, draft: tuple[str, tuple[int, int]] | None = None
) -> "Iterator[Image.Image]":
    """The picture in a file's bytes, not yet decoded, its size and format checked.

    `draft` lets a JPEG be decoded at a fraction of its size: a mode and the least size (width, height) wanted.

    Raises:
        DataError: not a picture of these formats, too large, or what the block does with it fails: it is torn then.
    """
    from PIL import Image, UnidentifiedImageError

    if not payload:
        raise DataError("this is not a picture: the file is empty (zero bytes).")
    if len(payload) > MAX_BYTES:
        raise DataError(f"the picture's file has {len(payload) / 2**20:.0f} MB; up to {MAX_BYTES // 2**20} MB is read.")
    too_many = f"at most {MAX_PIXELS / 1e6:g} million are read, and {MAX_SIDE:,} on a side: make it smaller."
    try:
        with _unwarned(), Image.open(io.BytesIO(payload), formats=formats) as picture:
            across, down = picture.size  # known from the head: nothing is decoded yet
            if max(across, down) > MAX_SIDE or across * down > MAX_PIXELS:
                raise DataError(f"the picture has {across:,} x {down:,} pixels; {too_many}")
            if draft and picture.mode in ("L", "RGB", "YCbCr"):
                picture.draft(*draft)
            yield picture
    except DataError:
        raise
    except UnidentifiedImageError:
        said = _known(payload) or f"a file of the formats {', '.join(formats)} is wanted."
        raise DataError(f"this is not a picture that can be read: {said}") from None
    except Image.DecompressionBombError:
        raise DataError(f"the picture has too many pixels; {too_many}") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise DataError(f"the picture cannot be read, it may be torn ({' '.join(str(error).split())[:80]}).") from None


def _in_turn(picture: "Image.Image") -> contextlib.AbstractContextManager[object]:
    """A wait for other large pictures, where this is one."""
    return _ONE_LARGE if picture.width * picture.height > LARGE else contextlib.nullcontext()


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Pillow warns of large pictures and odd EXIF; both are dealt with here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _known(payload: bytes) -> str:
    """What some files are that are often taken for pictures, and what to do about it; empty for others."""
    head = payload[:512].lstrip().lower()
    if payload[4:8] == b"ftyp" and payload[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif"):
        return "it is HEIC or AVIF, as phones write it; save or send it as JPEG."
    if head.startswith((b"<svg", b"<?xml")):
        return "it is a drawing of lines (SVG); save it as PNG."
    if head.startswith((b"<!doctype html", b"<html")):
        return "it is a web page; save the picture itself."
    return "it is a PDF; save the page as PNG." if head.startswith(b"%pdf") else ""


def _note(picture: "Image.Image") -> str:
    if picture.mode == "1":
        return "black and white (1 bit), taken as grey"
    if picture.mode in _DEEP:
        return "16 bits a pixel, taken at 8"
    return "CMYK (for print), turned into RGB" if picture.mode == "CMYK" else ""


def _upright(picture: "Image.Image") -> "Image.Image":
    """Decoded and turned as its EXIF says; copied only where it is turned."""
    from PIL import ImageOps

    if picture.mode == "F":
        raise DataError("its pixels are floating-point numbers: save it with 8 or 16 bits a pixel.")
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _colour(picture: "Image.Image") -> "Image.Image":
    """RGB; what is transparent counts as white."""
    from PIL import Image

    if picture.mode in _DEEP:
        return _shallow(picture).convert("RGB")
    if _transparent(picture):
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def _transparent(picture: "Image.Image") -> bool:
    return "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info


def _shallow(picture: "Image.Image") -> "Image.Image":
    """Pixels of 16 bits at 8, grey; Pillow's own conversion cuts everything above 255 off."""
    from PIL import Image

    values = np.asarray(picture)
    if values.dtype != np.uint16:
        values = values.clip(0, 65535)
    return Image.fromarray((values >> 8).astype(np.uint8))


def _fitted(picture: "Image.Image", side: int) -> "Image.Image":
    """The shorter side scaled to `side`, then the middle square; a picture of that very size stays as it is.

    Scaled before its colours are converted, where scaling knows them: of a large picture no copy is made then.
    """
    from PIL import Image

    across, down = picture.size
    if (across, down) == (side, side):
        return picture
    if picture.mode in _DEEP:
        picture = _shallow(picture)
    elif picture.mode not in ("RGB", "L", "LA", "RGBA", "CMYK") or "transparency" in picture.info:
        picture = _colour(picture)
    square = min(across, down)
    left, top = (across - square) / 2, (down - square) / 2
    box = (left, top, left + square, top + square)
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


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
