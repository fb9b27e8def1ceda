"""Image sets as people have them, generated: zips with any names, images by seed."""

import io
import zipfile

import numpy as np
from invalid_images import encoded
from PIL import Image


def pattern(seed: int, side: int = 24, form: str = "PNG") -> bytes:
    """Return a blurred pattern that depends on the seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return encoded(Image.fromarray(small).resize((side, side)), form)


def photos(*folders: str, each: int = 8, form: str = "PNG", ending: str = ".png") -> dict[str, bytes]:
    """Return different images in every folder, named by a running number."""
    places = [folder for folder in folders for _ in range(each)]
    return {f"{folder}/{k}{ending}": pattern(k, form=form) for k, folder in enumerate(places)}


class _Unflagged(zipfile.ZipInfo):
    """An entry whose name is written as UTF-8 bytes without the flag that says so."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("utf-8"), 0


def zipped(content: dict[str, bytes], *, utf8_flag: bool = True) -> bytes:
    """Zip files; without the flag, names are UTF-8 bytes that say so nowhere, as macOS writes them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in content.items():
            archive.writestr((zipfile.ZipInfo if utf8_flag else _Unflagged)(name), data)
    return packed.getvalue()
