"""What strangers hand in: fifty bad files, each answered in one line, nothing written and little held in memory."""

import io
import resource
import struct
import zipfile

import numpy as np
import pytest
from nasty_pictures import BAD, CONVERTED, JPEG, animated, bomb, encoded, noise
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data import uploads
from dlcore.data.image_files import read_colour
from dlcore.data.uploads import Photo, Turned, handed_in


def zipped(files: dict[str, bytes], **options) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", options.get("how", zipfile.ZIP_DEFLATED)) as archive:
        for name, payload in files.items():
            archive.writestr(name, payload)
    return packed.getvalue()


def patched(payload: bytes, signature: bytes, at: int, value: bytes) -> bytes:
    """The zip with bytes of its first central entry (or end record) overwritten."""
    place = payload.find(signature) + at
    return payload[:place] + value + payload[place + len(value) :]


def tiff_of_pages() -> bytes:
    pages = [noise(20) for _ in range(3)]
    return encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def webp_moving() -> bytes:
    pages = [noise(20), Image.new("RGB", (20, 20)), noise(20)]
    return encoded(pages[0], "WEBP", save_all=True, append_images=pages[1:])


CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
ONE = zipped({"a.jpg": JPEG})
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)
PNG = encoded(noise())
HOSTILE: dict[str, bytes] = {
    **{name: payload for name, (payload, _) in BAD.items()},
    "photo.heic": HEIC,
    "photo.avif": HEIC.replace(b"heic", b"avif"),
    "page.html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "page.jpg": b"<html><body>not found</body></html>",
    "drawing.png": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "entities.svg": b"<!DOCTYPE lolz [<!ENTITY lol 'lol'>]><svg>&lol;</svg>",
    "paper.pdf": b"%PDF-1.7\n%fake",
    "program.exe": b"MZ" + bytes(300),
    "script.py": b"import os\nos.system('true')\n",
    "pickle.png": b"\x80\x04\x95\x10" + bytes(40),
    "nul.jpg": bytes(5000),
    "noise.png": np.random.default_rng(1).bytes(5000),
    "head.jpg": JPEG[:20],
    "head.png": PNG[:40],
    "one byte.gif": b"G",
    "head.gif": b"GIF89a" + bytes(7),
    "cut.gif": encoded(noise().quantize(), "GIF")[:900],
    "cut.webp": encoded(noise(), "WEBP")[:200],
    "cut.bmp": encoded(noise(), "BMP")[:400],
    "moving.webp": webp_moving(),
    "moving.jpg": animated(),
    "pages.tif": tiff_of_pages(),
    "icon.ico": encoded(noise(32), "ICO"),
    "wide.png": bomb(11_999),
    "tall.png": bomb(65_000),
    "sound.wav": b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(30),
    "film.mp4": b"\x00\x00\x00\x20ftypisom" + bytes(60),
    "text.zip": b"PK but not a zip",
    "cut.zip": ONE[: len(ONE) // 2],
    "empty.zip": b"PK\x03\x04",
    "slip.zip": zipped({"../../evil.jpg": JPEG}),
    "absolute.zip": zipped({"/etc/evil.jpg": JPEG}),
    "windows.zip": zipped({"..\\evil.jpg": JPEG}),
    "drive.zip": zipped({"C:evil.jpg": JPEG}),
    "bomb.zip": zipped({"big.jpg": bytes(40 * 2**20)}),
    "liar.zip": patched(zipped({"big.jpg": bytes(30 * 2**20)}), CENTRAL, 24, struct.pack("<I", 100)),
    "crc.zip": patched(ONE, CENTRAL, 16, b"\x01\x02\x03\x04"),
    "secret.zip": patched(ONE, CENTRAL, 8, b"\x01\x00"),
    "method.zip": patched(ONE, CENTRAL, 10, b"\x63\x00"),
    "nested.zip": zipped({"inner.zip": ONE}),
    "text in.zip": zipped({"a.jpg": b"hello"}),
    "many.zip": zipped({f"{i}.jpg": b"x" for i in range(10_000)}, how=zipfile.ZIP_STORED),
    "list.zip": patched(ONE, END, 10, struct.pack("<HI", 3, 400 * 2**20)),
    "huge.jpg": JPEG + bytes(21 * 2**20),
}


def judged(files) -> list[str]:
    """What becomes of files: the reason, for those turned away here or on decoding; `ok` for photos."""
    found = []
    for one in handed_in(files):
        if isinstance(one, Photo):
            try:
                read_colour(one.payload, side=64)
                found.append("ok")
            except DataError as error:
                found.append(str(error))
        else:
            found.append(one.reason)
    return found


def test_there_are_fifty_of_them():
    assert len(HOSTILE) >= 50


@pytest.mark.parametrize("name", HOSTILE)
def test_each_is_refused_in_one_line_and_nothing_is_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = judged([(name, HOSTILE[name])])
    assert found and all(reason != "ok" and "\n" not in reason and 10 < len(reason) < 300 for reason in found), found
    assert len(found) <= 2 and list(tmp_path.iterdir()) == []


def test_all_at_once_take_little_memory_and_do_not_stop_the_good_ones():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = judged([*HOSTILE.items(), ("good.jpg", JPEG), ("good.zip", ONE)])
    assert found.count("ok") == 2 and len(found) >= 52
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


@pytest.mark.parametrize("name", CONVERTED)
def test_odd_ones_are_read(name):
    assert judged([(name, CONVERTED[name][0])]) == ["ok"]


def test_a_zip_of_photos_is_a_list_of_photos_with_harmless_names():
    found = list(handed_in([("z.zip", zipped({"a/b/one.jpg": JPEG, "a/two\n\x1b[31m.jpg": JPEG}))]))
    assert [one.name for one in found] == ["one.jpg", "two[31m.jpg"] and all(isinstance(one, Photo) for one in found)


def test_more_photos_than_are_answered_at_once_are_counted_off():
    found = list(handed_in([(f"{i}.jpg", JPEG) for i in range(200)]))
    assert len(found) == uploads.MOST_PHOTOS + 1
    assert isinstance(found[-1], Turned) and "at once" in found[-1].reason


def test_names_are_made_plain():
    assert uploads.plain("../../x.jpg") == "x.jpg" and uploads.plain("C:\\a\\y.png") == "y.png"
    assert uploads.plain("\x00\x07") == "a file" and len(uploads.plain("n" * 500)) == 80
