"""A place to paste a picture: Ctrl-V, or a file dropped on it, made small in the browser before it travels."""

import base64
import binascii

from dlcore.ui.components.mount import drawing_component, mount_reporting

_PASTE = drawing_component("paste")


def paste_image(*, key: str) -> bytes:
    """The picture pasted last, as the bytes of a JPEG; empty while there is none."""
    text = str(mount_reporting(_PASTE, {}, key=key, defaults={"picture": ""})["picture"])
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
