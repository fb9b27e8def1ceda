"""Query parameters that Python writes: values which no widget of Streamlit binds, and long texts."""

import base64
import zlib
from binascii import Error

import streamlit as st

LONGEST = 1_800
"""Characters of a text in an address: mail programs cut addresses of more than about 2,000."""
PLAIN = 300
"""Longer texts are compressed."""
_LARGEST = 100_000
"""Characters of an unpacked text: an address is untrusted."""


def write_param(name: str, text: str) -> None:
    """Set a query parameter, or remove it if `text` is empty; an unchanged one sends no message."""
    if text and st.query_params.get(name) != text:
        st.query_params[name] = text
    elif not text and name in st.query_params:
        del st.query_params[name]


def write_text(name: str, text: str) -> bool:
    """Write a text of any length into the URL, a long one compressed; return whether it fits."""
    packed = _pack(text) if len(text) > PLAIN else ""
    fits = len(packed) <= LONGEST
    write_param(name, "" if packed else text)
    write_param(f"{name}-z", packed if fits else "")
    return fits


def write_owned(name: str, text: str, owner: str) -> None:
    """Write a text that belongs to one run or dataset, `owner`."""
    st.session_state[f"{name}-owner"] = owner
    write_text(name, text)


def read_owned(name: str, owner: str) -> str:
    """Return the text of a link, or what `write_owned` wrote for the same owner; else empty."""
    return read_text(name) if st.session_state.get(f"{name}-owner") in (None, owner) else ""


def read_text(name: str) -> str:
    """Return the text that `write_text` wrote; empty if there is none or it is damaged."""
    packed = st.query_params.get(f"{name}-z", "")
    if not packed:
        return str(st.query_params.get(name, ""))[:_LARGEST]
    try:
        payload = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        return zlib.decompressobj().decompress(payload, _LARGEST).decode("utf-8", "ignore")
    except (Error, ValueError, zlib.error):
        return ""


def _pack(text: str) -> str:
    payload = zlib.compress(text.encode("utf-8", "replace"), 9)
    return base64.urlsafe_b64encode(payload).decode("ascii").rstrip("=")
