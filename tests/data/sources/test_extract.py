"""Parts of archives: photos of a tar that is read while it arrives, one file of a zip, files that a user provides."""

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace

import pytest
import tiny_archives
from PIL import Image

from dlcore.core.errors import DataError
from dlcore.data.images import images
from dlcore.data.sources import extract, locate
from dlcore.data.sources.registry import DATASETS
from dlcore.data.validate import validate_dataset


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No data folder, an empty cache, no proxy, no pause between retries."""
    monkeypatch.setattr(extract, "PAUSE_S", 0)
    monkeypatch.delenv("DLCORE_DATA", raising=False)
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    for name in ("DLCORE_MIRROR", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def food(tmp_path, monkeypatch):
    """Two dishes of a tiny Food-101, and the files to serve."""
    return tiny_archives.install("food101_mini", tmp_path, monkeypatch)


def fetch(name, address, monkeypatch):
    monkeypatch.setenv("DLCORE_MIRROR", address)
    return locate.fetch(name)


def test_listed_photos_are_kept_small_in_their_parts_and_both_sets_come_from_one_reading(food, monkeypatch):
    with tiny_archives.serve(food) as (address, requests):
        path = fetch("food101_mini", address, monkeypatch)
        assert len(requests) == 1 and locate.is_available("food101_ten")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        with Image.open(io.BytesIO(archive.read(names[0]))) as photo:
            assert photo.size == (256, 341) and photo.format == "JPEG"
    listed = tiny_archives.food_list()
    expected = {
        f"{part}/{dish}/{number}.jpg"
        for dish, parts in listed.items()
        for part in ("train", "test")
        for number in parts[f"small_{part}"]
    }
    assert set(names) == expected
    data = images.load("food101_mini")
    assert (len(data.labels), len(data.test_labels), data.names) == (16, 8, ("apple_pie", "baklava"))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_lists_name_the_photos_of_the_reference_runs():
    """1,200 and 4,500 photos of ten dishes, in disjoint parts."""
    listed = json.loads(extract.FOOD101_LIST.read_text(encoding="utf-8"))
    counts = {"small_train": 80, "small_test": 40, "large_train": 270, "large_test": 60}
    assert len(listed) == 10
    for parts in listed.values():
        assert {part: len(numbers) for part, numbers in parts.items()} == counts
        every = [number for numbers in parts.values() for number in numbers]
        assert len(every) == len(set(every))
    for name in ("food101_mini", "food101_ten"):
        (file,) = DATASETS[name].files
        assert len(extract.food101_set(extract.FOOD101_LIST, file.photos).names) == DATASETS[name].rows


@pytest.mark.realdata("food101_mini", "food101_ten")
@pytest.mark.parametrize("name", ["food101_mini", "food101_ten"])
def test_lists_name_the_photos_at_hand(name, monkeypatch):
    monkeypatch.undo()
    (file,) = DATASETS[name].files
    with zipfile.ZipFile(locate.require(name)) as archive:
        assert set(archive.namelist()) == set(extract.food101_set(extract.FOOD101_LIST, file.photos).names.values())


@pytest.mark.parametrize("ranges", [True, False])
def test_a_lost_connection_continues_where_it_broke_off(food, ranges, monkeypatch):
    size = max(len(content) for content in food.values())
    cut = size // 3 if ranges else size - 1000
    with tiny_archives.serve(food, ranges=ranges, cut_after=cut) as (address, requests):
        if not ranges:  # every answer breaks off before the last bytes
            with pytest.raises(DataError, match="cannot be downloaded"):
                fetch("food101_mini", address, monkeypatch)
            return
        fetch("food101_mini", address, monkeypatch)
    offsets = [int(request.partition("bytes=")[2].rstrip("-")) for request in requests[1:]]
    assert len(offsets) >= 2 and offsets == sorted(offsets) and 0 < offsets[0] <= cut
    assert locate.is_available("food101_mini")


def test_another_archive_is_rejected_and_leaves_nothing(food, tmp_path, monkeypatch):
    (path,) = food
    files = {"food-101/images/baklava/1.jpg": tiny_archives.photo(1)}
    with tiny_archives.serve({path: tiny_archives.tar(files)}) as (address, _), pytest.raises(DataError) as caught:
        fetch("food101_mini", address, monkeypatch)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache" / "data" / "food101_mini").iterdir())


def serve_tar(content, tmp_path, monkeypatch):
    """Make a tar with the right size and checksum the archive of Food-101."""
    digest = f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"
    (file,) = DATASETS["food101_mini"].files
    file = replace(file, checksum=digest, transfer=len(content))
    monkeypatch.setitem(DATASETS, "food101_mini", replace(DATASETS["food101_mini"], files=(file,)))
    return {"/food101_mini/food-101.tar.gz": content}


def test_missing_photos_links_and_broken_photos_are_rejected(food, tmp_path, monkeypatch):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo("food-101/images/apple_pie/1000.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with (
        tiny_archives.serve(serve_tar(buffer.getvalue(), tmp_path, monkeypatch)) as (address, _),
        pytest.raises(DataError, match="lacks 36 of the listed photos"),
    ):
        fetch("food101_mini", address, monkeypatch)
    broken = tiny_archives.tar({"food-101/images/apple_pie/1000.jpg": b"\xff\xd8no photo"})
    with (
        tiny_archives.serve(serve_tar(broken, tmp_path, monkeypatch)) as (address, _),
        pytest.raises(DataError, match="damaged photo"),
    ):
        fetch("food101_mini", address, monkeypatch)
    cut = tiny_archives.tar({f"food-101/images/apple_pie/{n}.jpg": tiny_archives.photo(n) for n in range(1000, 1024)})
    with (
        tiny_archives.serve(serve_tar(cut[: len(cut) // 2], tmp_path, monkeypatch)) as (address, _),
        pytest.raises(DataError, match=r"cannot be unpacked|another checksum|lacks"),
    ):
        fetch("food101_mini", address, monkeypatch)


def test_a_file_of_a_zip_is_checked(tmp_path, monkeypatch):
    files = tiny_archives.install("air_quality", tmp_path, monkeypatch)
    (path,) = files
    for content, match in (
        (tiny_archives.zipped({"AirQualityUCI.csv": b"another"}), "another checksum"),
        (tiny_archives.zipped({"other.csv": b"x"}), "no readable AirQualityUCI.csv"),
        (b"no zip", "no readable AirQualityUCI.csv"),
    ):
        with tiny_archives.serve({path: content}) as (address, _), pytest.raises(DataError, match=match):
            fetch("air_quality", address, monkeypatch)
    assert not list((tmp_path / "cache" / "data" / "air_quality").iterdir())


def test_provided_files_are_stored_where_the_loader_looks(tmp_path):
    files = tiny_archives.ARCHIVES["trec6"]()
    stored = [
        locate.add_file("trec6", name, io.BytesIO(content), check=lambda: validate_dataset("trec6"))
        for name, content in files.items()
    ]
    assert stored == [False, True] and locate.find("trec6") == tmp_path / "cache" / "data" / "trec6"
    assert locate.list_missing_files("trec50") == list(files)
    with pytest.raises(DataError, match=r"'x\.csv' is no file of TREC"):
        locate.add_file("trec6", "../x.csv", io.BytesIO(b""), check=lambda: None)


def test_a_provided_zip_may_have_any_name_and_must_be_readable(tmp_path):
    photos = {f"{name}/{n}.jpg": tiny_archives.photo(100 * k + n) for k, name in enumerate("abc") for n in range(12)}
    content = tiny_archives.zipped(photos)
    assert locate.add_file(
        "dogs_food_vehicles", "mine.zip", io.BytesIO(content), check=lambda: validate_dataset("dogs_food_vehicles")
    )
    assert images.load("dogs_food_vehicles").names == ("a", "b", "c")
    locate.require("dogs_food_vehicles").unlink()
    with pytest.raises(DataError):
        locate.add_file(
            "dogs_food_vehicles", "x.zip", io.BytesIO(b"no zip"), check=lambda: validate_dataset("dogs_food_vehicles")
        )
    assert not locate.is_available("dogs_food_vehicles")


def test_glove_may_be_its_most_frequent_part():
    content = tiny_archives.ARCHIVES["glove"]()["glove.6B.zip"]
    name = "glove.6B.100d.top100k.zip"
    assert locate.add_file("glove", name, io.BytesIO(content), check=lambda: validate_dataset("glove"))
