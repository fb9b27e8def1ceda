"""Files that a person hands in to be judged: photos, and zips of photos; what is no photo is refused in one line.

Nothing is written to a disk, no name leads anywhere, and one picture is in memory at a time.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dlcore.core.errors import DataError, one_line
from dlcore.data.images import archives
from dlcore.data.images.files import MAX_BYTES

MOST_PHOTOS, MOST_ENTRIES, MOST_ZIP_BYTES, MOST_REFUSED = 60, 2_000, 64 * 2**20, 100
"""Photos answered at once, files that a zip may hold, its size, and refusals that are listed."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Photo:
    """One file to be judged; the name is what the person calls it, shortened and printable."""

    name: str
    payload: bytes


@dataclass(frozen=True)
class RejectedUpload:
    """One file turned away, and why, in one line."""

    name: str
    reason: str


def read_uploads(files: Iterable[tuple[str, bytes]]) -> Iterator[Photo | RejectedUpload]:
    """Each file as a photo or as turned away; zips are looked into. At most `MOST_PHOTOS` photos, then one line more.

    Whether a photo can be decoded is for whoever decodes it to say.
    """
    photos = turned = 0
    for one in _each(files):
        photos, turned = photos + isinstance(one, Photo), turned + isinstance(one, RejectedUpload)
        if photos > MOST_PHOTOS:
            yield RejectedUpload(
                one.name, f"only {MOST_PHOTOS} photos are answered at once; this one and what follows wait."
            )
            return
        if turned > MOST_REFUSED:
            yield RejectedUpload(
                one.name, f"more than {MOST_REFUSED} files were refused; what follows was not looked at."
            )
            return
        yield one


def _each(files: Iterable[tuple[str, bytes]]) -> Iterator[Photo | RejectedUpload]:
    for name, payload in files:
        if payload.startswith(_ZIP):
            yield from _in_zip(safe_name(name), payload)
        elif len(payload) > MAX_BYTES:
            yield RejectedUpload(safe_name(name), f"{len(payload) / 2**20:.0f} MB; up to {MAX_BYTES >> 20} MB is read.")
        else:
            yield Photo(safe_name(name), payload)


def _in_zip(name: str, payload: bytes) -> Iterator[Photo | RejectedUpload]:
    if len(payload) > MOST_ZIP_BYTES:
        yield RejectedUpload(name, f"a zip of {len(payload) / 2**20:.0f} MB; up to {MOST_ZIP_BYTES >> 20} MB is read.")
        return
    entries, length = _directory(payload)
    if entries > MOST_ENTRIES or length > MOST_ENTRIES * 512:
        yield RejectedUpload(name, f"a zip of too many files; up to {MOST_ENTRIES:,} are looked at, so split it up.")
        return
    try:
        with archives.open_zip(io.BytesIO(payload), name) as opened:
            for inner, size, reason in opened.files():
                yield _inner(opened, inner, size, reason)
    except DataError:
        yield RejectedUpload(
            name, "this zip cannot be read, it may be torn: pack it again, or hand in the photos themselves."
        )


def _inner(opened: archives.Source, inner: str, size: int, reason: str) -> Photo | RejectedUpload:
    """One file of a zip, read only if its head promises a bearable size; its promise is not believed either."""
    name = safe_name(inner)
    if reason:
        return RejectedUpload(name, reason)
    if size > MAX_BYTES:
        return RejectedUpload(name, f"{size / 2**20:,.0f} MB unpacked; up to {MAX_BYTES >> 20} MB is read.")
    try:
        found = opened.read(inner)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        return RejectedUpload(name, f"it cannot be unpacked ({one_line(error)[:80]}).")
    if found.startswith(_ZIP):
        return RejectedUpload(name, "a zip inside a zip: unpack it first.")
    if len(found) > MAX_BYTES:
        return RejectedUpload(name, f"more than {MAX_BYTES >> 20} MB unpacked.")
    return Photo(name, found)


def _directory(payload: bytes) -> tuple[int, int]:
    """How many files the zip's end says it holds, and the bytes of their list, before that is read into memory."""
    at = payload.rfind(b"PK\x05\x06", max(0, len(payload) - 66_000))
    if at < 0:
        return 0, 0
    return int.from_bytes(payload[at + 10 : at + 12], "little"), int.from_bytes(payload[at + 12 : at + 16], "little")


def safe_name(name: str, limit: int = 80) -> str:
    """A name as it may be shown: its last part, printable, short; `a file` where nothing is left."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(c for c in last if c.isprintable())[:limit]
    return kept or "a file"
