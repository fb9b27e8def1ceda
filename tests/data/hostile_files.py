"""More than fifty hostile uploads, and unusual images that are valid."""

import io
import stat
import struct
import zipfile

import numpy as np
from invalid_images import BAD, CONVERTED, JPEG, animated, bomb, encoded, noise
from PIL import Image, ImageCms


def zipped(files: dict[str, bytes], **options) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", options.get("how", zipfile.ZIP_DEFLATED)) as archive:
        for name, payload in files.items():
            archive.writestr(name, payload)
    return packed.getvalue()


def patched(payload: bytes, signature: bytes, at: int, value: bytes) -> bytes:
    """Overwrite bytes of the first central entry (or end record) of a zip."""
    place = payload.find(signature) + at
    return payload[:place] + value + payload[place + len(value) :]


def tiff_of_pages() -> bytes:
    pages = [noise(20) for _ in range(3)]
    return encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])


def webp_moving() -> bytes:
    pages = [noise(20), Image.new("RGB", (20, 20)), noise(20)]
    return encoded(pages[0], "WEBP", save_all=True, append_images=pages[1:])


def link_in_zip() -> bytes:
    """Return a zip whose only photo is a symbolic link to a file of the machine."""
    packed, entry = io.BytesIO(), zipfile.ZipInfo("photo.jpg")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return packed.getvalue()


CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
PHOTO_ZIP = zipped({"a.jpg": JPEG})
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
    "cut.zip": PHOTO_ZIP[: len(PHOTO_ZIP) // 2],
    "empty.zip": b"PK\x03\x04",
    "slip.zip": zipped({"../../evil.jpg": JPEG}),
    "absolute.zip": zipped({"/etc/evil.jpg": JPEG}),
    "windows.zip": zipped({"..\\evil.jpg": JPEG}),
    "drive.zip": zipped({"C:evil.jpg": JPEG}),
    "bomb.zip": zipped({"big.jpg": bytes(40 * 2**20)}),
    "liar.zip": patched(zipped({"big.jpg": bytes(30 * 2**20)}), CENTRAL, 24, struct.pack("<I", 100)),
    "crc.zip": patched(PHOTO_ZIP, CENTRAL, 16, b"\x01\x02\x03\x04"),
    "secret.zip": patched(PHOTO_ZIP, CENTRAL, 8, b"\x01\x00"),
    "method.zip": patched(PHOTO_ZIP, CENTRAL, 10, b"\x63\x00"),
    "nested.zip": zipped({"inner.zip": PHOTO_ZIP}),
    "text in.zip": zipped({"a.jpg": b"hello"}),
    "many.zip": zipped({f"{i}.jpg": b"x" for i in range(10_000)}, how=zipfile.ZIP_STORED),
    "list.zip": patched(PHOTO_ZIP, END, 10, struct.pack("<HI", 3, 400 * 2**20)),
    "huge.jpg": JPEG + bytes(21 * 2**20),
    "link.zip": link_in_zip(),
    "layers.psd": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 64, 64, 8, 3) + bytes(200),
    "a photo.tif": encoded(noise(), "TIFF"),
    "thin.png": encoded(Image.new("1", (1, 60_000))),
}
"""Each is rejected with a message of one line."""


def with_exif(payload: bytes, exif: bytes) -> bytes:
    """Insert an EXIF segment into a JPEG."""
    return payload[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + payload[2:]


ROTATED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""EXIF with a rotation by 90 degrees."""
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ODD: dict[str, bytes] = {
    **{name: payload for name, (payload, _) in CONVERTED.items()},
    "rotated.jpg": with_exif(JPEG, ROTATED),
    "chatter.jpg": with_exif(JPEG, b"Exif\0\0" + b"\xff" * 65_000),
    "profile.jpg": encoded(noise(), "JPEG", icc_profile=b"not a color profile" * 9),
    "right profile.png": encoded(
        noise(), icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ),
    "one.png": encoded(Image.new("RGB", (1, 1), "red")),
    "line.png": encoded(Image.new("RGB", (1, 11_999))),
    "misnamed.png": JPEG,
    "clear.webp": encoded(Image.new("RGBA", (60, 40), (0, 0, 0, 0)), "WEBP"),
    "\u202egnp.exe.jpg": JPEG,
    "bell\x07 and \x1b[31mred.jpg": JPEG,
    "\U0001f355" * 40 + ".jpg": JPEG,
    "n" * 600 + ".jpg": JPEG,
    "<img src=x onerror=alert(1)>.jpg": JPEG,
    "[a](javascript:alert(1)) **b** $x$.jpg": JPEG,
}
"""Each is read."""


def large() -> dict[str, bytes]:
    """Generate images of the maximum size, in the formats that need the most memory; takes a second."""
    side = (6_300, 6_300)
    return {
        "big.png": encoded(Image.new("RGBA", side)),
        "big deep.png": encoded(Image.fromarray(np.zeros(side, np.uint16))),
        "big.webp": encoded(Image.new("RGBA", side), "WEBP"),
        "big.jpg": encoded(Image.new("CMYK", side), "JPEG"),
    }


def too_large() -> dict[str, bytes]:
    """Generate a valid image of 30,000 x 30,000 pixels in a hundred kilobytes."""
    return {"white.png": encoded(Image.new("1", (30_000, 30_000)))}
