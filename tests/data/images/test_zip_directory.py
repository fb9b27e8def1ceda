"""The central directory of a zip gives the same entries and contents as `zipfile`, for zips of all kinds."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.core.errors import DataError
from dlcore.data.images import archives
from dlcore.data.images.zip_directory import ZipDirectory

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\\"), min_size=1, max_size=12)


def pack(files, *, comment=b"", prefix=b"") -> bytes:
    """Zip (name, content, method) triples."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.comment = comment
        for name, content, method in files:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return prefix + packed.getvalue()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=400), st.sampled_from(METHODS)), max_size=6, unique_by=lambda f: f[0]),
    st.binary(max_size=40).filter(lambda comment: b"PK" not in comment),
    st.binary(max_size=40).filter(lambda prefix: b"PK" not in prefix),
)
def test_entries_and_contents_are_those_of_zipfile(files, comment, prefix):
    payload = pack(files, comment=comment, prefix=prefix)
    directory = ZipDirectory(io.BytesIO(payload))
    with zipfile.ZipFile(io.BytesIO(payload)) as expected:
        entries = list(directory)
        assert [info.filename for _, info in entries] == [info.filename for info in expected.infolist()]
        for (position, info), other in zip(entries, expected.infolist(), strict=True):
            assert (info.file_size, info.CRC, info.header_offset) == (other.file_size, other.CRC, other.header_offset)
            assert directory.read(directory.entry_at(position), 1000) == expected.read(other)


def test_more_entries_than_a_plain_zip_can_count_are_read():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for k in range(66_000):
            archive.writestr(zipfile.ZipInfo(f"{k}"), b"")
            archive.NameToInfo.clear()
    assert sum(1 for _ in ZipDirectory(packed)) == 66_000


def test_sizes_and_offsets_beyond_4_gb_are_read_from_the_zip64_field():
    entry = b"PK\x01\x02" + struct.pack(
        "<4B4HL2L5H2L", 45, 0, 45, 0, 0, 0, 0, 33, 0, *[2**32 - 1] * 2, 1, 28, 0, 0, 0, 0, 2**32 - 1
    )
    entry += b"a" + struct.pack("<2H3Q", 1, 24, 5 * 2**30, 6 * 2**30, 7 * 2**30)
    end = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(entry), 0, 0)
    ((_, info),) = ZipDirectory(io.BytesIO(entry + end))
    assert (info.file_size, info.compress_size, info.header_offset) == (5 * 2**30, 6 * 2**30, 7 * 2**30)


def with_path_field(name: bytes, path: str) -> bytes:
    """A zip whose entry has a name in an old code page, and its path in UTF-8 in the Info-ZIP field."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo(name.decode("ascii", "replace").replace("\ufffd", "?"))
        field = b"\x01" + struct.pack("<L", zlib.crc32(name)) + path.encode()
        info.extra = struct.pack("<2H", 0x7075, len(field)) + field
        archive.writestr(info, b"x")
    return packed.getvalue().replace(info.filename.encode(), name)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("Brötchen".encode(), "Brötchen"), ("寿司".encode(), "寿司"), ("Brötchen".encode("cp437"), "Brötchen")],
)
def test_names_without_a_flag_are_utf8_or_code_page_437(raw, expected):
    payload = pack([("n" * len(raw), b"x", 0)]).replace(b"n" * len(raw), raw)
    assert [info.filename for _, info in ZipDirectory(io.BytesIO(payload))] == [expected]


def test_the_path_field_of_windows_tools_gives_the_name():
    payload = with_path_field("寿司".encode("shift-jis"), "寿司")
    assert [info.filename for _, info in ZipDirectory(io.BytesIO(payload))] == ["寿司"]


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_damaged_directory_is_refused_in_one_line(cut):
    payload = bytearray(pack([("a/b.png", b"x" * 50, 0), ("a/c.png", b"y" * 50, 0)]))
    at = payload.rfind(b"PK\x01\x02")
    payload[at : at + 4] = b"PKxx"
    with (
        pytest.raises(DataError, match=r"is damaged|neither a folder") as caught,
        archives.open_zip(io.BytesIO(bytes(payload)), "x.zip") as source,
    ):
        list(source.files())
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError), archives.open_zip(io.BytesIO(bytes(payload[: len(payload) - cut])), "x.zip"):
        pass


def test_an_index_opens_the_same_zip_again():
    payload = io.BytesIO(pack([("b/2.png", b"two", 8), ("a/1.png", b"one", 0)]))
    with archives.open_zip(payload, "x.zip") as source:
        assert [name for name, _, _ in source.files()] == ["b/2.png", "a/1.png"]
        index = source.index
    with archives.open_zip(payload, "x.zip", index) as again:
        assert (again.read("a/1.png"), again.read("b/2.png")) == (b"one", b"two")
        assert list(index) == ["a/1.png", "b/2.png"]
        with pytest.raises(KeyError):
            again.read("a/3.png")


def test_equal_paths_are_numbered_and_no_path_is_taken_twice():
    names = ["a/1.png", "a\\1.png", "a/1 (2).png", "a/./1.png", "b/e\u0301.png", "b/é.png"]
    payload = io.BytesIO(pack([(name, name.encode(), 0) for name in names]))
    with archives.open_zip(payload, "x.zip") as source:
        listed = [name for name, _, _ in source.files()]
        assert [source.read(name).decode() for name in listed] == names
    assert listed == ["a/1.png", "a/1 (3).png", "a/1 (2).png", "a/1 (4).png", "b/é.png", "b/é (2).png"]
