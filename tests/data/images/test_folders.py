"""Class folders in a folder or zip: usable images are imported, others reported; nothing is unpacked or partial."""

import io
import os
import threading
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from invalid_images import BAD, CONVERTED, encoded
from PIL import Image

from dlcore.core.errors import DataError, RequestError, StoreError
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import registry as custom
from dlcore.data.images import archives, array_cache, classes, folders, images
from dlcore.data.repairs import Repairs
from dlcore.data.sources import locate as sources


def pattern(seed: int, side: int = 24) -> bytes:
    """Return a blurred pattern that depends on the seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return encoded(Image.fromarray(small).resize((side, side)), "JPEG", quality=90)


def files(classes: int = 3, each: int = 8) -> dict[str, bytes]:
    return {f"set/class {k}/{i}.jpg": pattern(100 * k + i) for k in range(classes) for i in range(each)}


def zipped(content: dict[str, bytes], **options) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return file.getvalue()


def laid_out(folder, content):
    for name, data in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def save(payload, name="mine"):
    return custom_images.IMPORTER.save(name, custom_images.IMPORTER.preview(payload), source="x.zip")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path


UNUSABLE = {
    **{f"set/class 0/{name}": payload for name, (payload, _) in (BAD | CONVERTED).items()},
    "set/readme.txt": b"hello",
    "stray.jpg": pattern(7),
    "__MACOSX/set/class 0/._1.jpg": b"\0",
    "set/class 1/.DS_Store": b"\0",
    "set/class 1/Thumbs.db": b"\0",
}


@pytest.mark.parametrize("packed", [True, False])
def test_usable_files_are_imported_and_rejected_ones_reported_with_a_reason(home, packed):
    content = files() | UNUSABLE
    if packed:
        entry = save(zipped(content))
    else:
        entry = save(laid_out(home / "source", content))
    assert entry.rows == 24 + len(CONVERTED)
    remarks = {file.name.rpartition("/")[2]: file for file in custom_images.list_rejected(entry)}
    assert set(remarks) == {*BAD, *CONVERTED, "readme.txt", "stray.jpg"}  # system files are not reported
    for name, (_, message) in (BAD | CONVERTED).items():
        assert message in remarks[name].reason and remarks[name].used == (name in CONVERTED)
    data = images.load("custom:mine", checksum=entry.checksum)
    assert len(data.labels) + len(data.test_labels) == entry.rows
    assert data.names == ("class 0", "class 1", "class 2") and data.pixels.shape[1:] == (64, 64, 3)
    assert custom.find("mine").rows == entry.rows


def test_zip_paths_cannot_escape(home):
    names = ("../../evil/1.jpg", "/absolute/evil/2.jpg", "set\\..\\evil\\3.jpg")
    content = files() | {name: pattern(1) for name in names}
    entry = save(zipped(content))
    assert entry.rows == 24
    assert len([file for file in custom_images.list_rejected(entry) if "leads out" in file.reason]) >= 2
    assert not list(home.rglob("evil*")) and not Path("/absolute").exists()


def test_zip_bomb_is_rejected_unread(home):
    content = files() | {"set/class 0/zeros.png": b"\0" * (archives.MAX_BYTES * 4)}
    packed = zipped(content)
    assert len(packed) < 2**20
    tracemalloc.start()
    entry = save(packed)
    assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
    tracemalloc.stop()
    assert any("80 MB unpacked" in file.reason for file in custom_images.list_rejected(entry))


def test_zip_entry_with_a_wrong_size_is_rejected_alone(home):
    packed = bytearray(zipped(files()))
    at = packed.rindex(b"PK\x01\x02")  # the last entry of the directory
    packed[at + 24 : at + 28] = (10).to_bytes(4, "little")
    entry = save(bytes(packed))
    assert entry.rows == 23 and "cannot be read" in custom_images.list_rejected(entry)[0].reason


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "nor a readable zip"),
        (b"no zip at all", "nor a readable zip"),
        (zipped(files())[:-40], "nor a readable zip"),
        (zipped({}), "no image in"),
        (zipped({"a.jpg": pattern(0)}), "no image in a class folder"),
        (zipped({f"a/{i}.jpg": pattern(i) for i in range(9)}), "only one class"),
        (zipped({f"{k}/{i}.jpg": pattern(i) for k in "ab" for i in range(3)}), "too few classes have 5 usable"),
        (zipped({f"{k}/{i}.jpg": b"text" for k in "ab" for i in range(9)}), "18 files were left out"),
    ],
    ids=["empty", "text", "torn", "nothing", "stray", "one class", "few", "all bad"],
)
def test_unusable_zip_is_rejected_and_leaves_nothing(home, payload, message):
    with pytest.raises(DataError, match=message) as caught:
        save(payload)
    assert "\n" not in str(caught.value)
    assert custom.find("mine") is None and not list((home / "home").rglob("*.zip"))


def test_full_disk_leaves_nothing(home, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(custom_images, "_write", full)
    with pytest.raises(StoreError, match="No space"):
        save(zipped(files()))
    assert custom.list_datasets() == [] and list((home / "home" / "custom").iterdir()) == []


def test_links_and_special_files_are_rejected(home):
    folder = laid_out(home / "source", files())
    (folder / "set" / "class 0" / "link.jpg").symlink_to(folder / "set" / "class 1" / "1.jpg")
    os.mkfifo(folder / "set" / "class 0" / "pipe.jpg")
    entry = save(folder)
    reasons = {file.name.rpartition("/")[2]: file.reason for file in custom_images.list_rejected(entry)}
    assert entry.rows == 24 and "link" in reasons["link.jpg"] and "not a regular file" in reasons["pipe.jpg"]


def test_files_are_decoded_one_at_a_time(home):
    data = [pattern(seed, side=16) for seed in range(40)]
    content = {f"a/{i}.jpg": data[i % 20] for i in range(1000)} | {f"b/{i}.jpg": data[20 + i] for i in range(10)}
    with archives.open_zip(io.BytesIO(zipped(content)), "x.zip") as opened:
        entries = classes.arrange(folders.list_files(opened)[0], Repairs())[0]
        pixels = np.zeros((len(entries), 8, 8, 3), np.uint8)
        tracemalloc.start()
        good, _ = folders.decode(opened, entries, pixels)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        tracemalloc.stop()
    assert good.all() and len(entries) == 1010


def test_split_folders_are_respected(home):
    places = [f"{part}/{k}/{i}.jpg" for part in ("train", "val", "test") for k in "ab" for i in range(6)]
    content = {place: pattern(seed) for seed, place in enumerate(places)}
    content["test/a/copy.jpg"] = content["train/a/0.jpg"]
    entry = save(zipped(content))
    data = images.load("custom:mine")
    assert entry.rows == 37 and len(data.test_labels) == 13 and len(data.labels) == 24
    assert data.also_in_test.sum() == 1 and data.exact == 1


def test_other_side_keeps_images_and_order(home):
    save(zipped(files()))
    default, larger = images.load("custom:mine"), images.load("custom:mine", side=96)
    assert larger.pixels.shape[1:] == (96, 96, 3) and np.array_equal(default.labels, larger.labels)
    means = [part.pixels.reshape(len(part.pixels), -1).mean(axis=1) for part in (default, larger)]
    assert np.abs(means[0] - means[1]).max() < 2


def test_taken_or_public_name_is_rejected(home):
    save(zipped(files()))
    for name in ("mine", "cifar10", "../x"):
        with pytest.raises(RequestError):
            save(zipped(files()), name)


def test_concurrent_loads_share_one_cache(home, monkeypatch):
    laid_out(home / "data" / "dogs-food-vehicles", {"cnn_dataset.zip": zipped(files())})
    monkeypatch.setenv("DLCORE_DATA", str(home / "data"))
    datasets: list[images.Images] = []
    threads = [threading.Thread(target=lambda: datasets.append(images.load("dogs_food_vehicles"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(datasets) == 3 and len({dataset.checksum for dataset in datasets}) == 1
    assert len(list((home / "cache" / "decoded").iterdir())) == 1  # no draft is left
    monkeypatch.setattr(folders, "decode", lambda *args: pytest.fail("decoded a second time"))
    assert isinstance(images.load("dogs_food_vehicles").pixels, np.memmap)


def test_changed_content_is_decoded_again(home, monkeypatch):
    folder = home / "data" / "dogs-food-vehicles"
    monkeypatch.setenv("DLCORE_DATA", str(home / "data"))
    laid_out(folder, {"cnn_dataset.zip": zipped(files())})
    first = images.load("dogs_food_vehicles")
    laid_out(folder, {"cnn_dataset.zip": zipped(files(each=9))})
    assert images.load("dogs_food_vehicles").checksum != first.checksum


def test_unwritable_cache_is_harmless(home, monkeypatch):
    laid_out(home / "data" / "dogs-food-vehicles", {"cnn_dataset.zip": zipped(files())})
    monkeypatch.setenv("DLCORE_DATA", str(home / "data"))
    (home / "file").touch()
    monkeypatch.setenv("DLCORE_CACHE", str(home / "file"))
    assert len(images.load("dogs_food_vehicles").labels) > 12


def test_stale_drafts_are_deleted(home):
    left = home / "cache" / "decoded" / ".x-abc"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    array_cache.get_or_create("x", "0" * 64, lambda draft: np.save(draft / "a.npy", np.zeros(1)))
    assert not left.exists()


@pytest.mark.realdata("dogs_food_vehicles")
def test_photos_are_27_000_and_their_duplicates_are_kept_together():
    data = images.load("dogs_food_vehicles")
    assert len(data.labels) + len(data.test_labels) == 27_000 == sources.get_dataset("dogs_food_vehicles").rows
    assert data.names == ("dogs", "food", "vehicles") and not data.rejected
    assert data.exact == 23 and data.near == 35 and not data.also_in_test.any()


def test_a_folder_is_added_from_the_command_line_and_trained_on(home, capsys):
    from dlcore import cli

    laid_out(home / "source", files(classes=2, each=20))
    assert cli.main(["data", "add", "mine", str(home / "source"), "--json"]) == 0
    assert '"kind": "images"' in capsys.readouterr().out
    words = ["train", "architectures", "--model", "resnet18", "--dataset", "custom:mine", "--preset", "quick"]
    words += ["--set", "epochs=1", "--set", "width=4", "--device", "cpu", "--bundle", str(home / "bundle"), "--json"]
    assert cli.main(words) == 0
    assert '"dataset": "custom:mine"' in capsys.readouterr().out
