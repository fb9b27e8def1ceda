"""The central directory of a zip, read entry by entry: no object per file stays in memory, as `zipfile` keeps them."""

import contextlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"
_HEADER = struct.Struct("<4s4B4HL2L5H2L")
_MAX_END = 65_535 + 22
"""A comment of up to 64 KB follows the end record."""
_BLOCK, _USUAL = 2**18, 2**10
"""Bytes read at once: an entry has up to 192 KB, nearly all less than 1 KB."""
UTF8_FLAG = 0x800
_ZIP64_EXTRA, _PATH_EXTRA = 1, 0x7075
_MAX32 = 0xFFFFFFFF


class ZipDirectory:
    """The entries of an open zip. Iteration yields the position of each entry and the entry itself.

    `entry_at` reads one entry again, `read` its content.

    Raises:
        BadZipFile: The file is not a zip, or it is damaged.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.start, self.end, self.shift = _find_directory(file)

    def __iter__(self) -> Iterator[tuple[int, zipfile.ZipInfo]]:
        position, block, at = self.start, b"", 0
        while position < self.end:
            entry = _parse_entry(block, at, self.shift)
            if entry is None:
                block, at = self._read_block(position), 0
                entry = _parse_entry(block, at, self.shift)
            if entry is None:
                raise zipfile.BadZipFile("Truncated central directory")
            info, length = entry
            yield position, info
            position, at = position + length, at + length

    def entry_at(self, position: int) -> zipfile.ZipInfo:
        """Return the entry at a position that iteration yielded."""
        short = _parse_entry(self._read_block(position, _USUAL), 0, self.shift)
        entry = short or _parse_entry(self._read_block(position), 0, self.shift)
        if entry is None:
            raise zipfile.BadZipFile("Truncated central directory")
        return entry[0]

    def _read_block(self, position: int, length: int = _BLOCK) -> bytes:
        self.file.seek(position)
        return self.file.read(min(length, self.end - position))

    def read(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        """Return the first `limit` bytes of the content of an entry.

        Raises:
            BadZipFile: The entry is damaged.
            NotImplementedError: Its compression is not known.
        """
        self.file.seek(info.header_offset)
        header = self.file.read(30)
        if len(header) < 30 or header[:4] != _LOCAL:
            raise zipfile.BadZipFile("Bad magic number for file header")
        name, extra = struct.unpack("<2H", header[26:30])
        self.file.seek(name + extra, 1)
        with zipfile.ZipExtFile(self.file, "r", info) as content:
            return content.read(limit)


def _find_directory(file: IO[bytes]) -> tuple[int, int, int]:
    """Return start and end of the central directory, and by how much all offsets are to be shifted."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _MAX_END))
    tail = file.read(_MAX_END)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("File is not a zip file")
    length, offset = struct.unpack("<2L", tail[at + 12 : at + 20])
    end = size - len(tail) + at
    if tail[at - 20 : at].startswith(_LOCATOR64) and at >= 20:
        file.seek(end - 76)
        record = file.read(56)
        if record.startswith(_END64):
            length, offset = struct.unpack("<2Q", record[40:56])
            end -= 76
    start = end - length
    if start < 0 or offset > start:
        raise zipfile.BadZipFile("Bad offset for central directory")
    return start, end, start - offset


def _parse_entry(block: bytes, at: int, shift: int) -> tuple[zipfile.ZipInfo, int] | None:
    """Parse the entry at a place in a block: the entry and its length; None if the block ends before it does."""
    if len(block) < at + _HEADER.size:
        return None
    fields = _HEADER.unpack_from(block, at)
    if fields[0] != _ENTRY:
        raise zipfile.BadZipFile("Bad magic number for central directory")
    name_end = at + _HEADER.size + fields[12]
    extra_end = name_end + fields[13]
    end = extra_end + fields[14]
    if len(block) < end:
        return None
    extra = block[name_end:extra_end]
    info = zipfile.ZipInfo(_decode_name(block[at + _HEADER.size : name_end], fields[5], extra))
    info.flag_bits, info.compress_type = fields[5:7]
    info.CRC, info.compress_size, info.file_size = fields[9:12]
    info.header_offset = fields[-1]
    _apply_zip64(info, extra)
    info.header_offset += shift
    return info, end - at


def _decode_name(raw: bytes, flags: int, extra: bytes) -> str:
    """Decode a name: UTF-8 if the entry says so or holds such a path, or its bytes are UTF-8; else code page 437."""
    path = _find_extra(extra, _PATH_EXTRA)
    if not flags & UTF8_FLAG and len(path) > 5 and struct.unpack("<L", path[1:5])[0] == zlib.crc32(raw):
        raw = path[5:]
    with contextlib.suppress(UnicodeError):
        return raw.decode("utf-8")
    return raw.decode("utf-8", "replace") if flags & UTF8_FLAG else raw.decode("cp437")


def _apply_zip64(info: zipfile.ZipInfo, extra: bytes) -> None:
    values = _find_extra(extra, _ZIP64_EXTRA)
    for name in ("file_size", "compress_size", "header_offset"):
        if getattr(info, name) == _MAX32:
            if len(values) < 8:
                raise zipfile.BadZipFile("Corrupt zip64 extra field")
            setattr(info, name, int.from_bytes(values[:8], "little"))
            values = values[8:]


def _find_extra(extra: bytes, kind: int) -> bytes:
    while len(extra) >= 4:
        field, length = struct.unpack("<2H", extra[:4])
        if field == kind:
            return extra[4 : 4 + length]
        extra = extra[4 + length :]
    return b""
