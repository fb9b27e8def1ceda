"""Paste an image with Ctrl-V or drop a file; the browser scales it down before upload."""

import base64
import binascii

from dlcore.ui.components.mount import drawing_component, mount_reporting

_PASTE = drawing_component("paste")


def paste_image(*, key: str) -> bytes:
    """Return the latest pasted image as JPEG bytes; empty if there is none."""
    text = str(mount_reporting(_PASTE, {}, key=key, defaults={"image": ""})["image"])
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
