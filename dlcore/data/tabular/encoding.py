"""Decoding of text files: UTF-8, UTF-16, and single-byte encodings by choice."""

import re

from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs

ENCODINGS = ("cp1252", "iso8859-15", "mac-roman", "cp1250", "cp1251", "cp437", "gb18030", "shift-jis", "latin-1")
"""Choices for a file that is not UTF-8; the first one that can decode it is the default."""
MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"\x7fELF": "a program",
}
_ADVICE = {
    "a gzip file": "unpack it, and use the file inside",
    "an image": "for a set of images, use the folder with one folder per class, or a zip of it",
}


def decode_text(payload: bytes, repairs: Repairs, *, limit: int, expected: str = "CSV") -> tuple[str, str]:
    """Decode a file to text; returns the text and the encoding. `expected` names the format in errors.

    Raises:
        DataError: The file is empty, too large, or not text.
    """
    if not payload.strip():
        raise DataError(f"the file is empty: choose a {expected} file with a header and rows.")
    if len(payload) > limit:
        rows = payload[:65536].count(b"\n") * limit // 65536
        raise DataError(
            f"the file is larger than the {limit // 2**20} MB that are read "
            f"(its first {limit // 2**20} MB hold about {rows:,} rows): shorten it."
        )
    for magic, kind in MAGIC.items():
        if payload.startswith(magic):
            advice = _ADVICE.get(kind, "save it as 'CSV (comma separated)' and try again")
            raise DataError(f"row 1: this is {kind}, not {expected}: {advice}.")
    text, encoding = _decode(payload, repairs)
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"row {row}: a zero byte: this is a binary file, not {expected}; choose a text file.")
    return text, encoding


def _decode(payload: bytes, repairs: Repairs) -> tuple[str, str]:
    utf16 = utf16_codec(payload)
    if utf16:
        try:
            return payload.decode(utf16).removeprefix("\ufeff"), "UTF-16"
        except UnicodeDecodeError:
            raise DataError("the file begins like UTF-16 text but is damaged: save it as UTF-8.") from None
    try:
        return payload.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError as error:
        start = error.start
    row = payload.count(b"\n", 0, start) + 1
    fitting = tuple(name for name in ENCODINGS if _fits(payload, name))
    if not fitting or _is_binary(payload):
        raise DataError(f"row {row}: byte 0x{payload[start]:02x} is not UTF-8 text: save the file as UTF-8.")
    fitting = _order_by_script(payload[: 2**20], fitting)
    line = payload[payload.rfind(b"\n", 0, start) + 1 :].partition(b"\n")[0]
    name = repairs.choose(
        "encoding",
        f"The file is not UTF-8: read as {fitting[0]} unless another encoding is chosen.",
        fitting,
        default=fitting[0],
        count=sum(byte > 127 for byte in payload),
        where=f"row {row}",
        example=line.decode(fitting[0])[:80],
    )
    repairs.record(f"read as {name} (not UTF-8; first at row {row})")
    return payload.decode(name), name


def _order_by_script(payload: bytes, fitting: tuple[str, ...]) -> tuple[str, ...]:
    """Put the encoding of a Cyrillic, Japanese or Chinese text first: its words are runs of bytes above 127."""
    high = sum(byte > 127 for byte in payload)
    runs = b"".join(re.findall(rb"[\x80-\xff]{4,}|(?:[\x81-\xfe][\x40-\xfe]){3,}", payload))
    if sum(byte > 127 for byte in runs) < high / 2:
        return fitting
    lower = sum(byte >= 0xE0 for byte in payload)
    shares = {"cp1251": lower / high if lower > 0.6 * high else 0.0}
    for name, letters in (("shift-jis", "[\u3040-\u30ff]"), ("gb18030", "[\u4e00-\u9fa5]")):
        text = re.sub(r"[\x00-\x7f]", "", payload.decode(name, "ignore")) if name in fitting else ""
        share = len(re.findall(letters, text)) / max(1, len(text))
        shares[name] = share if share > (0.3 if name == "shift-jis" else 0.7) else 0.0
    best = next((name for name, share in shares.items() if share and name in fitting), "")
    return (best, *(name for name in fitting if name != best)) if best else fitting


def utf16_codec(payload: bytes) -> str:
    """Return the UTF-16 codec of a file: by its byte-order mark, or by the zero bytes of its first letters."""
    if payload[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    head = payload[:400]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and odd > 0.4 * len(head) and even == 0:
        return "utf-16-le"
    return "utf-16-be" if len(head) >= 8 and even > 0.4 * len(head) and odd == 0 else ""


def _fits(payload: bytes, name: str) -> bool:
    try:
        text = payload.decode(name)
    except UnicodeDecodeError:
        return False
    return not re.search(r"[\x80-\x9f]", text)  # control characters: another encoding


def _is_binary(payload: bytes) -> bool:
    controls = len(re.findall(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]", payload[:65536]))
    return controls > 0.005 * len(payload[:65536])
