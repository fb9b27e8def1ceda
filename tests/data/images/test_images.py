import gzip
import io
import struct

import numpy as np
import pytest
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data.images import images

FASHION = pytest.mark.realdata("fashion_mnist")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def encoded(image: Image.Image, name: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


@pytest.mark.parametrize("packed", [True, False])
def test_idx_round_trip(tmp_path, packed):
    array = np.random.default_rng(0).integers(0, 256, (5, 3, 4), dtype=np.uint8)
    file = tmp_path / "a"
    file.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    assert np.array_equal(images.read_idx(file), array)


GOOD = idx(np.zeros((3, 2, 2), np.uint8))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an idx file"),
        (b"<html>404</html>", "not an idx file"),
        (GOOD[:-1], "has 11"),
        (GOOD + b"\0", "has 13"),
        (gzip.compress(GOOD, mtime=0)[:-9], "cannot be unpacked"),
        (b"\x1f\x8b" + b"\0" * 20, "cannot be unpacked"),
        (struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 2), "has"),
    ],
)
def test_damaged_idx_file_is_rejected(tmp_path, data, message):
    file = tmp_path / "a"
    file.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        images.read_idx(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_digits_are_complete_with_a_fixed_test_split():
    digits = images.load("digits")
    assert digits.pixels.shape[1:] == (8, 8) and digits.pixels.dtype == np.uint8
    assert len(digits.labels) + len(digits.test_labels) == 1797
    assert set(np.unique(digits.test_labels)) == set(range(10))
    assert digits.pixels.max() == 255
    assert digits.checksum == images.load("digits").checksum


@FASHION
def test_fashion_is_decoded_once_and_memory_mapped(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path))
    first = images.load("fashion_mnist")
    assert first.pixels.shape == (60_000, 28, 28) and first.test_pixels.shape == (10_000, 28, 28)
    assert np.bincount(first.labels).tolist() == [6000] * 10
    monkeypatch.setattr(images, "read_idx", lambda path: pytest.fail("decoded a second time"))
    again = images.load("fashion_mnist")
    assert isinstance(again.pixels, np.memmap) and again.checksum == first.checksum


@FASHION
def test_unwritable_cache_is_harmless(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "file"))
    assert images.load("fashion_mnist").pixels.shape == (60_000, 28, 28)


def test_mean_and_std_match_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (50, 4, 4), dtype=np.uint8)
    scale = images.mean_and_std(pixels)
    values = images.normalize(pixels, scale)
    assert values.dtype == np.float32
    assert abs(values.mean()) < 1e-5 and abs(values.std() - 1) < 1e-5
    assert images.mean_and_std(np.zeros((2, 2, 2), np.uint8)) == {"mean": 0.0, "std": 1.0}


def draw_object(size: tuple[int, int] = (200, 100), ground: int = 255, ink: int = 30) -> Image.Image:
    """Return an object at the left of a plain background, higher than wide."""
    array = np.full(size[::-1], ground, np.uint8)
    array[10:90, 20:60] = ink
    return Image.fromarray(array)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize(("ground", "ink"), [(255, 30), (0, 220)])
def test_image_becomes_a_centered_bright_object_on_a_dark_background(name, ground, ink):
    gray = images.read_gray(encoded(draw_object(ground=ground, ink=ink), name), height=28, width=28)
    assert gray.shape == (28, 28) and gray.dtype == np.uint8
    columns = np.flatnonzero((gray > 128).any(axis=0))
    assert abs((columns[0] + columns[-1]) / 2 - 13.5) <= 1  # centered
    assert 12 <= len(columns) <= 16  # aspect ratio 40 : 80
    assert gray[:, 0].max() < 40 and gray[14, 14] > 180


def test_image_of_the_dataset_is_unchanged():
    pixels = images.load("digits").test_pixels[0]
    assert np.array_equal(images.read_gray(encoded(Image.fromarray(pixels)), height=8, width=8), pixels)


def test_exif_rotation_is_applied():
    upright = draw_object()
    exif = Image.Exif()
    exif[274] = 6  # rotated by 90 degrees
    payload = encoded(upright.rotate(90, expand=True), "JPEG", exif=exif, quality=95)
    upright_payload = encoded(upright, "JPEG", quality=95)
    rotated, expected = (images.read_gray(data, height=28, width=28).astype(int) for data in (payload, upright_payload))
    assert np.abs(rotated - expected).mean() < 4


def test_transparent_background_becomes_white():
    image = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    image.paste((10, 10, 10, 255), (20, 10, 40, 50))
    gray = images.read_gray(encoded(image), height=28, width=28)
    assert gray[14, 14] > 200 and gray[14, 0] < 40


def bomb() -> bytes:
    """Return a PNG of a few kilobytes that declares 50,000 x 50,000 pixels."""
    data = bytearray(encoded(Image.new("L", (10, 10))))
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


PNG = encoded(Image.effect_noise((300, 300), 50))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "not an image"),
        (b"timestamp,value\n1,2\n", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not an image"),
        (PNG[: len(PNG) // 2], "damaged"),
        (PNG[:40], "damaged|not an image"),
        (bomb(), "too many pixels|pixels; make it smaller"),
        (encoded(Image.new("L", (9000, 9000))), "9,000 x 9,000 pixels"),
        (encoded(Image.new("L", (10, 10)), "TIFF"), "not an image"),
        (b"\0" * (images.MAX_BYTES + 1), "up to 20 MB"),
    ],
    ids=["empty", "csv", "svg", "eps", "half", "head", "bomb", "large", "tiff", "heavy"],
)
def test_invalid_image_is_rejected(payload, message):
    with pytest.raises(DataError, match=message) as caught:
        images.read_gray(payload, height=28, width=28)
    assert "\n" not in str(caught.value)


def test_uniform_image_and_single_pixel_are_handled():
    for image in (Image.new("L", (50, 50), 255), Image.new("L", (1, 1), 7), Image.new("1", (3, 900))):
        assert images.read_gray(encoded(image), height=28, width=28).shape == (28, 28)
