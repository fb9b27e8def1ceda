"""Uploads: fifty hostile files are rejected with little memory, and nothing is written."""

import resource

import pytest
from hostile_files import HOSTILE, ODD, ONE, zipped
from nasty_pictures import JPEG

from dlcore.core.errors import DataError
from dlcore.data.images import uploads
from dlcore.data.images.files import read_rgb
from dlcore.data.images.uploads import Photo, RejectedUpload, read_uploads


def judged(files) -> list[str]:
    """What becomes of files: the reason, for those turned away here or on decoding; `ok` for photos."""
    found = []
    for one in read_uploads(files):
        if isinstance(one, Photo):
            try:
                read_rgb(one.payload, side=64)
                found.append("ok")
            except DataError as error:
                found.append(str(error))
        else:
            found.append(one.reason)
    return found


def test_there_are_fifty_hostile_files():
    assert len(HOSTILE) >= 50


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_rejected_in_one_line_and_nothing_is_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = judged([(name, HOSTILE[name])])
    assert found and all(reason != "ok" and "\n" not in reason and 10 < len(reason) < 300 for reason in found), found
    assert len(found) <= 2 and list(tmp_path.iterdir()) == []


def test_many_hostile_files_need_little_memory_and_keep_valid_ones():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = judged([*HOSTILE.items(), ("good.jpg", JPEG), ("good.zip", ONE)])
    assert found.count("ok") == 2 and len(found) >= 52
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kB


@pytest.mark.parametrize("name", ODD)
def test_unusual_image_is_read(name):
    assert judged([(name, ODD[name])]) == ["ok"]


def test_zip_of_photos_is_read_with_safe_names():
    found = list(read_uploads([("z.zip", zipped({"a/b/one.jpg": JPEG, "a/two\n\x1b[31m.jpg": JPEG}))]))
    assert [one.name for one in found] == ["one.jpg", "two[31m.jpg"] and all(isinstance(one, Photo) for one in found)


def test_photos_beyond_the_limit_are_rejected():
    found = list(read_uploads([(f"{i}.jpg", JPEG) for i in range(200)]))
    assert len(found) == uploads.MAX_PHOTOS + 1
    assert isinstance(found[-1], RejectedUpload) and "at once" in found[-1].reason


def test_file_names_are_sanitized():
    assert uploads.safe_name("../../x.jpg") == "x.jpg" and uploads.safe_name("C:\\a\\y.png") == "y.png"
    assert uploads.safe_name("\x00\x07") == "a file" and len(uploads.safe_name("n" * 500)) == 80
