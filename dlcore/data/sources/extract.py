"""Downloads of which a part is kept: one file of a zip, or listed photos of a tar that is read while it arrives."""

import contextlib
import hashlib
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from dlcore.core import settings
from dlcore.core.errors import DataError, StoreError, one_line
from dlcore.data.sources.download import CONNECT_S, OFFLINE, READ_S, check_name, download

Progress = Callable[[int, int], None]
SIDE, QUALITY = 256, 85
"""Shorter side in pixels and JPEG quality of the photos that are kept."""
MAX_PHOTO = 8 * 2**20
FOOD101_LIST = settings.ASSETS / "data" / "food101_photos.json"
"""Photos of ten dishes by dish and part: `small` is a part of both sets, `large` of the larger one only."""
RETRIES = 8
"""Interruptions in a row without a byte in between, after which a download is given up."""
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def download_member(
    url: str, member: str, target: Path, checksum: str, *, size: int, progress: Progress | None = None
) -> None:
    """Download the zip at `url` and keep one of its files, of `size` bytes, as `target`.

    Raises:
        DataError: The server does not answer, or the file is missing or has another size or checksum.
        StoreError: The folder cannot be written.
    """
    archive = target.with_name(f".{target.name}.zip")
    try:
        download(url, archive, "", progress=progress)
        with zipfile.ZipFile(archive) as opened:
            info = opened.getinfo(member)
            content = opened.read(info) if info.file_size == size else b""
    except (zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{url} has no readable {member} ({one_line(error)[:80]}): try again later.") from None
    finally:
        archive.unlink(missing_ok=True)
    kind, _, digest = checksum.partition(":")
    if hashlib.new(kind, content).hexdigest() != digest:
        raise DataError(f"{url} returned an unexpected file: {member} has another checksum.")
    draft = target.with_name(f".{target.name}.part")
    draft.write_bytes(content)
    draft.replace(target)


@dataclass(frozen=True)
class PhotoSet:
    """A zip to write: `names` maps a photo's path in the tar to its path in the zip."""

    target: Path
    names: Mapping[str, str]


def food101_set(target: Path, parts: Iterable[str]) -> PhotoSet:
    """Return the photos of ten dishes of Food-101 with those parts of the list."""
    listed = json.loads(FOOD101_LIST.read_text(encoding="utf-8"))
    names = {
        f"food-101/images/{dish}/{number}.jpg": f"{part.rpartition('_')[2]}/{dish}/{number}.jpg"
        for dish, numbers in listed.items()
        for part in parts
        for number in numbers[part]
    }
    return PhotoSet(target, names)


def download_photos(
    url: str, sets: Iterable[PhotoSet], checksum: str, *, size: int, progress: Progress | None = None
) -> None:
    """Read the tar.gz of `size` bytes at `url` once, and write its listed photos, resized, to one zip per set.

    Nothing else is stored. A lost connection continues where it broke off; after a stop, the download begins again.

    Raises:
        DataError: The server does not answer, a photo is missing, or the tar has another checksum.
        StoreError: The folder cannot be written.
    """
    check_name(url)
    sets = list(sets)
    stream = _Stream(url, size, checksum.partition(":")[0], progress)
    missing = {name for each in sets for name in each.names}
    drafts = [each.target.with_name(f".{each.target.name}.part") for each in sets]
    try:
        with contextlib.ExitStack() as stack:
            for draft in drafts:
                draft.parent.mkdir(parents=True, exist_ok=True)
            zips = [stack.enter_context(zipfile.ZipFile(draft, "w")) for draft in drafts]
            for name, content in _read_tar(stream, frozenset(missing)):
                photo = _shrink(name, content)
                missing.discard(name)
                for each, archive in zip(sets, zips, strict=True):
                    if name in each.names:
                        archive.writestr(zipfile.ZipInfo(each.names[name], _ZIP_DATE), photo)
        stream.check(checksum)
        if missing:
            raise DataError(f"{url} lacks {len(missing):,} of the listed photos, for example {min(missing)}.")
        for each, draft in zip(sets, drafts, strict=True):
            draft.replace(each.target)
    except OSError as error:
        raise StoreError(f"{sets[0].target.parent} cannot be written: {one_line(error)}.") from None
    finally:
        stream.close()
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _read_tar(stream: "_Stream", names: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the listed regular files; the tar is not seekable."""
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:  # type: ignore[call-overload]
            for member in archive:
                archive.members = []  # 101,000 headers would stay in memory
                if member.name in names and member.isfile() and 0 < member.size <= MAX_PHOTO:
                    content = archive.extractfile(member)
                    if content is not None:
                        yield member.name, content.read()
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise DataError(f"{stream.url} cannot be unpacked ({one_line(error)[:80]}): try again later.") from None


def _shrink(name: str, content: bytes) -> bytes:
    """Return a photo as a JPEG with a shorter side of `SIDE` pixels; smaller photos keep their size."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            photo = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"the archive has a damaged photo, {name} ({one_line(error)[:80]}): try again later.") from None
    scale = SIDE / min(photo.size)
    if scale < 1:
        width, height = (max(SIDE, round(length * scale)) for length in photo.size)
        photo = photo.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


class _Stream(io.RawIOBase):
    """The bytes at a URL, hashed as they are read; a lost connection is continued with a range request."""

    def __init__(self, url: str, size: int, kind: str, progress: Progress | None) -> None:
        self.url, self.size, self.progress = url, size, progress
        self.digest, self.position, self.failures = hashlib.new(kind), 0, 0
        self.answer: requests.Response | None = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, empty at the end.

        Raises:
            DataError: The server does not answer, several times in a row.
        """
        while self.position < self.size:
            try:
                content = self._next(min(size if size > 0 else 2**16, self.size - self.position))
            except (requests.RequestException, OSError) as error:
                content, reason = b"", type(error).__name__
            else:
                reason = "incomplete"
            if content:
                self.failures, self.position = 0, self.position + len(content)
                self.digest.update(content)
                if self.progress is not None:
                    self.progress(self.position, self.size)
                return content
            self.failures, self.answer = self.failures + 1, None
            if self.failures > RETRIES:
                raise DataError(f"{self.url} cannot be downloaded ({reason}): {OFFLINE}.")
        return b""

    def _next(self, size: int) -> bytes:
        if self.answer is None:
            self.answer = self._open()
        content: bytes = self.answer.raw.read(size)
        return content

    def _open(self) -> requests.Response:
        headers: dict[str, Any] = {"Accept-Encoding": "identity"}
        if self.position:
            headers["Range"] = f"bytes={self.position}-"
        answer = requests.get(self.url, headers=headers, stream=True, timeout=(CONNECT_S, READ_S))
        answer.raise_for_status()
        if self.position and answer.status_code != 206:  # no range requests: skip what was read
            skipped = 0
            while skipped < self.position:
                content = answer.raw.read(min(2**16, self.position - skipped))
                if not content:
                    raise requests.ConnectionError("incomplete")
                skipped += len(content)
        return answer

    def check(self, checksum: str) -> None:
        """Read the rest and compare the checksum.

        Raises:
            DataError: It differs.
        """
        while self.read(2**20):
            pass
        if self.digest.hexdigest() != checksum.partition(":")[2]:
            raise DataError(f"{self.url} returned an unexpected file: it has another checksum.")

    def close(self) -> None:
        """Close the connection."""
        if self.answer is not None:
            self.answer.close()
        super().close()
