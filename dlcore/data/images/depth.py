"""Images with more than 8 bits per channel: 10, 12, 14 or 16 bits in files of 16, scaled to 8 by their range."""

from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""Pillow's modes of gray images with 16 or 32 bits."""
_NARROW = 4
"""An image that uses less than a quarter of its bits' range is scaled from its lowest to its highest value."""
_PNG = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE = 258
_ROWS = 256


def to_8_bit(image: "Image.Image") -> "Image.Image":
    """Scale a gray image of 16 or 32 bits to 8."""
    from PIL import Image

    return Image.fromarray(scale(np.asarray(image)))


def scale(values: np.ndarray) -> np.ndarray:
    """Scale integers (H, W) or (H, W, C) to uint8 by the range of the file.

    The range is 0 to the largest number of as many bits as the highest value has, so 12 bits are 0 to 4095. It is the
    lowest to the highest value if these use less than a quarter of it, or are negative.
    """
    scaled = np.empty(values.shape, np.uint8)
    _scale_rows(values, scaled, *_value_range(int(values.min()), int(values.max())))
    return scaled


def _scale_rows(values: np.ndarray, scaled: np.ndarray, low: int, high: int) -> None:
    for start in range(0, len(values), _ROWS):
        part = values[start : start + _ROWS].astype(np.float32)
        scaled[start : start + _ROWS] = np.round((part - low) * (255 / (high - low)))


def _value_range(lowest: int, highest: int) -> tuple[int, int]:
    full = 2 ** max(8, highest.bit_length()) - 1
    if lowest == highest or (lowest >= 0 and (highest - lowest) * _NARROW >= full):
        return min(0, lowest), full
    return lowest, highest


def is_deep_color(payload: bytes) -> bool:
    """Whether the content is a PNG with 16 bits per channel and several channels, of which Pillow drops 8 bits."""
    return payload.startswith(_PNG) and payload[24:25] == b"\x10" and payload[25:26] in (b"\x02", b"\x04", b"\x06")


def read_deep_color(image: "Image.Image", payload: bytes) -> "Image.Image":
    """Decode a PNG with 16 bits per channel and scale it to 8.

    Raises:
        RuntimeError: The file is damaged.
    """
    import torch
    from PIL import Image
    from torchvision.io import ImageReadMode, decode_png

    pixels = decode_png(torch.frombuffer(bytearray(payload), dtype=torch.uint8), ImageReadMode.UNCHANGED)
    values = pixels.permute(1, 2, 0).numpy()  # (H, W, C) uint16
    color = values.shape[2] - (values.shape[2] in (2, 4))  # without alpha
    scaled = np.empty(values.shape, np.uint8)
    low, high = _value_range(int(values[..., :color].min()), int(values[..., :color].max()))
    _scale_rows(values[..., :color], scaled[..., :color], low, high)
    _scale_rows(values[..., color:], scaled[..., color:], 0, 65535)
    result = Image.fromarray(scaled)  # LA, RGB or RGBA
    if "exif" in image.info:
        result.info["exif"] = image.info["exif"]
    return result


def check_color_tiff(image: "Image.Image") -> None:
    """Check that a TIFF of 16 bits per color, of which Pillow drops 8, is not nearly black.

    Raises:
        DataError: Its values use at most 14 bits.
    """
    tags: Any = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, ()) if image.mode in ("RGB", "RGBA", "LA") else ()
    if bits and max(bits) > 8:
        highest = max(high for _, high in image.getextrema()[:3])  # type: ignore[misc]
        if highest < 64:
            raise DataError("its colors use 14 bits or fewer of 16: save it as PNG, or with 8 bits per color.")
