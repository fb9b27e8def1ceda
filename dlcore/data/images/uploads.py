"""Uploaded photos and zips of photos for prediction; other files are rejected with a reason.

Nothing is written to disk, paths are not used, and one image is in memory at a time.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dlcore.core.errors import DataError, one_line
from dlcore.data.images import archives
from dlcore.data.images.files import MAX_BYTES

MAX_PHOTOS, MAX_ENTRIES, MAX_ZIP_BYTES, MAX_REJECTED = 60, 2_000, 64 * 2**20, 100
"""Photos per request, files in a zip, size of a zip, and rejected files that are listed."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True)
class Photo:
    """A file to predict; its name is shortened and printable."""

    name: str
    payload: bytes


@dataclass(frozen=True)
class RejectedUpload:
    """A rejected file and the reason, in one line."""

    name: str
    reason: str


def read_uploads(files: Iterable[tuple[str, bytes]]) -> Iterator[Photo | RejectedUpload]:
    """Yield each file, and each file in a zip, as a photo or as rejected; stop after `MAX_PHOTOS` photos.

    Photos are not decoded here.
    """
    photos = rejected = 0
    for upload in _read_all(files):
        photos, rejected = photos + isinstance(upload, Photo), rejected + isinstance(upload, RejectedUpload)
        if photos > MAX_PHOTOS:
            yield RejectedUpload(
                upload.name, f"only {MAX_PHOTOS} photos are predicted at once; upload the remaining ones separately."
            )
            return
        if rejected > MAX_REJECTED:
            yield RejectedUpload(
                upload.name, f"more than {MAX_REJECTED} files were rejected; the remaining ones were skipped."
            )
            return
        yield upload


def _read_all(files: Iterable[tuple[str, bytes]]) -> Iterator[Photo | RejectedUpload]:
    for name, payload in files:
        if archives.is_system_file(name.replace("\\", "/").rpartition("/")[2]):
            continue
        if payload.startswith(_ZIP):
            yield from _in_zip(safe_name(name), payload)
        elif len(payload) > MAX_BYTES:
            yield RejectedUpload(safe_name(name), f"{len(payload) / 2**20:.0f} MB; up to {MAX_BYTES >> 20} MB is read.")
        else:
            yield Photo(safe_name(name), payload)


def _in_zip(name: str, payload: bytes) -> Iterator[Photo | RejectedUpload]:
    if len(payload) > MAX_ZIP_BYTES:
        yield RejectedUpload(name, f"a zip of {len(payload) / 2**20:.0f} MB; up to {MAX_ZIP_BYTES >> 20} MB is read.")
        return
    entries, length = _directory(payload)
    if entries > MAX_ENTRIES or length > MAX_ENTRIES * 512:
        yield RejectedUpload(name, f"a zip of too many files; up to {MAX_ENTRIES:,} are read: split it up.")
        return
    try:
        with archives.open_zip(io.BytesIO(payload), name) as source:
            for entry, size, reason in source.files():
                yield read_entry(source, entry, size, reason)
    except DataError:
        yield RejectedUpload(
            name, "this zip cannot be read, it may be damaged: create it again, or upload the photos themselves."
        )


def read_entry(source: archives.Source, entry: str, size: int, reason: str) -> Photo | RejectedUpload:
    """Read a file of a zip if its declared size is small enough; the actual size is checked too."""
    name = safe_name(entry)
    if reason:
        return RejectedUpload(name, reason)
    if size > MAX_BYTES:
        return RejectedUpload(name, f"{size / 2**20:,.0f} MB unpacked; up to {MAX_BYTES >> 20} MB is read.")
    try:
        content = source.read(entry)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        return RejectedUpload(name, f"it cannot be unpacked ({one_line(error)[:80]}).")
    if content.startswith(_ZIP):
        return RejectedUpload(name, "a zip inside a zip: unpack it first.")
    if len(content) > MAX_BYTES:
        return RejectedUpload(name, f"more than {MAX_BYTES >> 20} MB unpacked.")
    return Photo(name, content)


def _directory(payload: bytes) -> tuple[int, int]:
    """Return the number of files and the bytes of the directory that the zip declares, without reading it."""
    at = payload.rfind(b"PK\x05\x06", max(0, len(payload) - 66_000))
    if at < 0:
        return 0, 0
    return int.from_bytes(payload[at + 10 : at + 12], "little"), int.from_bytes(payload[at + 12 : at + 16], "little")


def safe_name(name: str, limit: int = 80) -> str:
    """Return the last part of a path, printable and short; `a file` if it is empty."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = "".join(c for c in last if c.isprintable())[:limit]
    return clean or "a file"
