"""Invalid image files with their reasons, and unusual ones that are converted."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(image: Image.Image, name: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def ramp(size: tuple[int, int] = (40, 30)) -> np.ndarray:
    """Return a gray ramp, 0 at the left to 255 at the right."""
    return np.tile(np.linspace(0, 255, size[0]).astype(np.uint8), (size[1], 1))


def noise(side: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8))


def animated() -> bytes:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "green", "blue")]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def bomb(side: int = 30_000) -> bytes:
    """Return a PNG of a few hundred bytes that declares 30,000 x 30,000 pixels."""
    data = bytearray(encoded(Image.new("L", (10, 10))))
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def sixteen_bit() -> bytes:
    return encoded(Image.fromarray(ramp().astype(np.uint16) * 257))


JPEG = encoded(noise(), "JPEG", quality=90)
BAD = {
    "zero.png": (b"", "zero bytes"),
    "text.jpg": (b"this is not an image, despite its name\n", "not an image"),
    "cut.jpg": (JPEG[: len(JPEG) // 2], "damaged"),
    "cut.png": (encoded(noise())[:5000], "damaged"),
    "moving.gif": (animated(), "animated"),
    "bomb.png": (bomb(), "pixels"),
    "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
    "float.tif": (encoded(Image.fromarray(ramp().astype(np.float32)), "TIFF"), "floating-point"),
}
CONVERTED = {
    "print.jpg": (encoded(Image.fromarray(ramp()).convert("RGB").convert("CMYK"), "JPEG", quality=95), "CMYK"),
    "fax.png": (encoded(Image.fromarray(np.where(ramp() > 127, 255, 0).astype(np.uint8)).convert("1")), "1 bit"),
    "xray.png": (sixteen_bit(), "16 bits"),
}
