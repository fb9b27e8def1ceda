"""Image files are decoded, converted or rejected with a reason; their content decides, never their name."""

import base64
import struct
import sys
import types

import numpy as np
import pytest
from invalid_images import BAD, CONVERTED, encoded, noise, ramp
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data.images import files
from dlcore.data.images.files import MAX_BYTES, SETS, read_gray, read_rgb


@pytest.mark.parametrize("name", BAD)
def test_invalid_image_is_rejected_with_its_reason(name):
    payload, message = BAD[name]
    with pytest.raises(DataError, match=message) as caught:
        read_rgb(payload, side=32, formats=SETS)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("name", CONVERTED)
def test_unusual_pixels_are_converted_with_a_note(name):
    payload, note = CONVERTED[name]
    rgb = read_rgb(payload, side=32)
    assert note in rgb.note
    assert rgb.pixels.shape == (32, 32, 3) and rgb.pixels.dtype == np.uint8
    row = rgb.pixels[16].mean(axis=-1)
    assert row[2] < 60 and row[-3] > 190 and (np.diff(row) > -25).all()  # still dark to bright


def test_large_file_is_rejected():
    with pytest.raises(DataError, match="up to 20 MB"):
        read_rgb(b"\0" * (MAX_BYTES + 1), side=32)


def test_matching_size_is_unchanged_and_larger_images_are_center_cropped():
    pixels = np.asarray(noise(32))
    assert np.array_equal(read_rgb(encoded(noise(32)), side=32).pixels, pixels)
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (10, 200, 30)
    pixels = read_rgb(encoded(Image.fromarray(wide)), side=16).pixels
    assert np.abs(pixels[4:12, 4:12].astype(int) - (10, 200, 30)).max() <= 2  # the middle third fills the square


def test_transparency_becomes_white_and_exif_rotation_is_applied():
    see_through = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    see_through.paste((200, 0, 0, 255), (10, 10, 20, 20))
    pixels = read_rgb(encoded(see_through), side=30).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255] and pixels[15, 15].tolist() == [200, 0, 0]
    exif = Image.Exif()
    exif[274] = 6
    upright = Image.fromarray(ramp((40, 40)))
    rotated = read_rgb(encoded(upright.rotate(90, expand=True), "JPEG", exif=exif, quality=95), side=40).pixels
    assert np.abs(rotated[..., 0].astype(int) - ramp((40, 40))).mean() < 4


def test_preview_in_a_phone_jpeg_is_not_animation():
    two = encoded(noise(), "MPO", save_all=True, append_images=[noise(16)])
    assert read_rgb(two, side=32).pixels.shape == (32, 32, 3)


def deep_ramp(highest: int, lowest: int = 0, kind: type = np.uint16) -> np.ndarray:
    return np.tile(np.linspace(lowest, highest, 40).astype(kind), (30, 1))


CASE_07 = {
    "twelve.png": encoded(Image.fromarray(deep_ramp(4095))),
    "ten.tif": encoded(Image.fromarray(deep_ramp(1023)), "TIFF"),
    "int32.tif": encoded(Image.fromarray(deep_ramp(4095, kind=np.int32)), "TIFF"),
}
DEEP = {
    "fourteen.png": encoded(Image.fromarray(deep_ramp(16383))),
    "nine.png": encoded(Image.fromarray(deep_ramp(511))),
    "big-endian.tif": encoded(Image.frombytes("I;16B", (40, 30), deep_ramp(4095).astype(">u2").tobytes()), "TIFF"),
    "offset.png": encoded(Image.fromarray(deep_ramp(32_000, 30_000))),
    "negative.tif": encoded(Image.fromarray(deep_ramp(3000, -1000, np.int32)), "TIFF"),
    "eight bits.png": encoded(Image.fromarray(deep_ramp(255))),
}


@pytest.mark.parametrize("name", [*CASE_07, *DEEP])
def test_case_07_a_deep_ramp_stays_a_ramp(name):
    payload = (CASE_07 | DEEP)[name]
    image = read_rgb(payload, side=30, formats=SETS)
    row = image.pixels[15].mean(axis=-1)
    assert int(image.pixels.max()) - int(image.pixels.min()) >= 100 and (np.diff(row) >= 0).all()
    assert image.note.startswith("16 bits per pixel")
    if not name.endswith("tif"):  # Predict reads the same values, in color and in gray
        assert np.array_equal(read_rgb(payload, side=30).pixels, image.pixels)
        assert np.ptp(read_gray(payload, height=30, width=40).astype(int)) >= 100


def test_dark_and_bright_deep_images_stay_dark_and_bright():
    dark, bright = (np.full((30, 30), value, np.uint16) for value in (300, 4000))
    dark[:9], bright[:9] = 0, 1000
    means = [read_rgb(encoded(Image.fromarray(part)), side=30).pixels.mean() for part in (dark, bright)]
    assert means[0] < means[1]
    assert read_rgb(encoded(Image.fromarray(np.full((9, 9), 2047, np.uint16))), side=9).pixels.max() == 255


def deep_color_png(values: np.ndarray) -> bytes:
    """Encode (H, W, C) uint16 as a PNG with 16 bits per channel, which Pillow cannot write."""
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_deep_color_is_scaled_by_its_range(channels):
    values = np.repeat(deep_ramp(4095)[..., None], channels, axis=2)
    if channels in (2, 4):
        values[..., -1] = 65535  # opaque
    image = read_rgb(deep_color_png(values), side=30)
    row = image.pixels[15].mean(axis=-1)
    assert row[-1] - row[0] >= 100 and len(np.unique(row)) > 25 and image.note.startswith("16 bits per pixel")
    with pytest.raises(DataError, match="damaged"):
        read_rgb(deep_color_png(values)[:-40], side=30)


def color_tiff(values: np.ndarray) -> bytes:
    """Encode (H, W, 3) uint16 as an uncompressed TIFF with 16 bits per color."""
    height, width, _ = values.shape
    data = values.astype("<u2").tobytes()
    bits = struct.pack("<HHH", 16, 16, 16)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14)]
    tags += [(277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(data))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0" + struct.pack("<I", 14 + len(data)) + bits + data + directory


def test_deep_color_tiff_is_read_or_refused_never_black():
    assert (
        read_rgb(color_tiff(np.repeat(deep_ramp(65535)[..., None], 3, axis=2)), side=30, formats=SETS).pixels.max()
        > 200
    )
    with pytest.raises(DataError, match="14 bits or fewer of 16: save it as PNG"):
        read_rgb(color_tiff(np.repeat(deep_ramp(4095)[..., None], 3, axis=2)), side=30, formats=SETS)


HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAWNtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRt"
    "AAAAAAABAAAAImlsb2MAAAAAREAAAQABAAAAAAGHAAEAAAAAAAACZQAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGh2YzEAAAAA42lw"
    "cnAAAADEaXBjbwAAAHJodmNDAQQIAAAAAAAAAAAA//AA/Pz6+gAADwMgAAEAF0ABDAH//wQIAAADAJ34AAADAAD/ugJAIQABACdCAQEECAAA"
    "AwCd+AAAAwAA/8CCBp8rZbqrprmwIAAAAwAgAAADACEiAAEABkQBwXGLEgAAABRpc3BlAAAAAAAAAEAAAABkAAAAKGNsYXAAAAAdAAAAAQAA"
    "AGQAAAAB////3QAAAAIAAAAAAAAAAgAAAA5waXhpAAAAAAEKAAAAF2lwbWEAAAAAAAAAAQABBIECgwQAAAJtbWRhdAAAAmEoAa4LZz47Vmxn"
    "ySx7NDMf//5AIcnwscN5McCRsE35DNDPQJfYVCES+NVol9kS+NVpEohdAD/E/T9+XXOiK7QmO5Mae7K1JoAASTw61utEEsxQkOP6yvmUQAAd"
    "BZm/Zn0F1tmK7d/ZV5NuVM7XooAMrQAADtJI3EHeuGAxKF7i2LClgAAQ0HDGPdoT/Ua+ABjtS4s5OwA94oqLnaHFKWetmCflWUAAzUVHJGk4"
    "83bEC2EI0gHrQAB0lB74EwLXZHflVeTo7GNPNT0NFr8AAD1IQVsGjyNmOVfl8yfYxcAANE+XvhWoqNsH2cdc3quXsjgDUvrY+ci9w1yFUW5p"
    "XUQAJ9seR68OaEVlUJfvO/WEQADiMj49P8E9/ebxMwEFPcfo2G2sIZEAAHGW4xkZFnX43djkGh4HDoADsJXnPIGiQNMUXHc/c2ychgCWHUv1"
    "G6tctq9pdZPu6gAUjU4c90Xbe5SPbjhW4+sYACxW+BYl3PpmwmNClWxIZvrEvGAipQAAlvRPfE1s97oJVHKm5kt7gAXipYHwVlZwAdIdDc/i"
    "1AmAASBexR9Bw4FFdgx7bfbZIAAew4gsIYWFSMPNaHl1extgAWm2+GQzM+OyNqkteSx3/4AAbeEB61RtugfMpd6Let5duCngAADgMIpTOECK"
    "hiGlVmlxKOMADJRb9QZzv0+AxwmN6IZHbzwA0UP3c1v559DlReA//oAAw83jjPv7S6dY1Cy3A/kdwALxRu9+BK/l66RAA5+5p4wEAOOoMRL4"
    "/iFsMNMX+NWfQnIAAbhodP6BkmaYbFQoefAmPsijW9I="
)
"""A gray ramp-like test image of 29 x 100 pixels from the tests of pillow-heif (BSD-3-Clause)."""


def test_heic_without_its_decoder_says_how_to_convert(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    files._register_heic.cache_clear()
    with pytest.raises(DataError, match=r"it is HEIC.*save or send it as JPEG.*dlcore\[heic\]") as caught:
        read_rgb(HEIC, side=32)
    files._register_heic.cache_clear()
    assert "\n" not in str(caught.value)


def decode_nothing(file, name):
    raise SyntaxError("not HEIC")


def test_the_heic_decoder_is_asked_once_and_only_for_heic(monkeypatch):
    calls = []
    module = types.SimpleNamespace(register_heif_opener=lambda **options: calls.append(options))
    monkeypatch.setitem(sys.modules, "pi_heif", module)
    monkeypatch.setitem(Image.OPEN, "HEIF", (decode_nothing, None))
    files._register_heic.cache_clear()
    read_rgb(encoded(noise()), side=32)
    assert calls == []
    for _ in range(2):
        with pytest.raises(DataError, match=r"it is HEIC.*may be damaged"):
            read_rgb(HEIC, side=32)
    files._register_heic.cache_clear()
    assert calls == [{"thumbnails": False}]


def test_heic_is_decoded_for_sets_and_predictions():
    pytest.importorskip("pi_heif")
    files._register_heic.cache_clear()
    for formats in (SETS, files.FORMATS):
        image = read_rgb(HEIC, side=29, formats=formats)
        assert image.pixels.shape == (29, 29, 3) and np.ptp(image.pixels.astype(int)) > 50
    with pytest.raises(DataError):
        read_rgb(HEIC[:600], side=29)
