"""Image files are decoded, converted or rejected with a reason."""

import numpy as np
import pytest
from invalid_images import BAD, CONVERTED, encoded, noise, ramp
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data.images.files import MAX_BYTES, SETS, read_rgb


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
