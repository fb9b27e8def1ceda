"""Uploads: fifty hostile files are rejected with little memory, and nothing is written."""

import resource

import pytest
from hostile_files import HOSTILE, ODD, PHOTO_ZIP, zipped
from invalid_images import JPEG

from dlcore.core.errors import DataError
from dlcore.data.images import uploads
from dlcore.data.images.files import read_rgb
from dlcore.data.images.uploads import Photo, RejectedUpload, read_uploads


def describe_outcomes(files) -> list[str]:
    """Return the outcome of each file: `ok`, or the reason why it is rejected, here or on decoding."""
    outcomes = []
    for upload in read_uploads(files):
        if isinstance(upload, Photo):
            try:
                read_rgb(upload.payload, side=64)
                outcomes.append("ok")
            except DataError as error:
                outcomes.append(str(error))
        else:
            outcomes.append(upload.reason)
    return outcomes


def test_there_are_fifty_hostile_files():
    assert len(HOSTILE) >= 50


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_rejected_in_one_line_and_nothing_is_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcomes = describe_outcomes([(name, HOSTILE[name])])
    assert outcomes and all(reason != "ok" and "\n" not in reason and 10 < len(reason) < 300 for reason in outcomes), (
        outcomes
    )
    assert len(outcomes) <= 2 and list(tmp_path.iterdir()) == []


def test_many_hostile_files_need_little_memory_and_keep_valid_ones():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes = describe_outcomes([*HOSTILE.items(), ("good.jpg", JPEG), ("good.zip", PHOTO_ZIP)])
    assert outcomes.count("ok") == 2 and len(outcomes) >= 52
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


@pytest.mark.parametrize("name", ODD)
def test_unusual_image_is_read(name):
    assert describe_outcomes([(name, ODD[name])]) == ["ok"]


def test_zip_of_photos_is_read_with_safe_names():
    photos = list(read_uploads([("z.zip", zipped({"a/b/one.jpg": JPEG, "a/two\n\x1b[31m.jpg": JPEG}))]))
    assert [photo.name for photo in photos] == ["one.jpg", "two[31m.jpg"] and all(
        isinstance(photo, Photo) for photo in photos
    )


MAC_ZIP = {"a/one.jpg": JPEG, "__MACOSX/a/._one.jpg": b"\0\5\x16\7", "a/._one.jpg": b"\0\5\x16\7", "a/.DS_Store": b"\0"}


@pytest.mark.parametrize(
    "files", [MAC_ZIP, {"Thumbs.db": b"\0", "one.jpg": JPEG}, {"a\\desktop.ini": b"", "a\\one.jpg": JPEG}]
)
def test_system_files_in_a_zip_are_no_photos_and_no_errors(files):
    assert [upload.name for upload in read_uploads([("z.zip", zipped(files))])] == ["one.jpg"]


def test_system_files_uploaded_alone_are_no_errors():
    files = [("._one.jpg", b"\0\5\x16\7"), (".DS_Store", b"\0"), ("one.jpg", JPEG)]
    assert [upload.name for upload in read_uploads(files)] == ["one.jpg"]


def test_photos_beyond_the_limit_are_rejected():
    items = list(read_uploads([(f"{i}.jpg", JPEG) for i in range(200)]))
    assert len(items) == uploads.MAX_PHOTOS + 1
    assert isinstance(items[-1], RejectedUpload) and "at once" in items[-1].reason


def test_file_names_are_sanitized():
    assert uploads.safe_name("../../x.jpg") == "x.jpg" and uploads.safe_name("C:\\a\\y.png") == "y.png"
    assert uploads.safe_name("\x00\x07") == "a file" and len(uploads.safe_name("n" * 500)) == 80
