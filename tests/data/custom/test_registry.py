"""Storage of custom datasets: names, atomic writes, checksums, removal, and datasets of earlier releases."""

import pytest

from dlcore import projects
from dlcore.core.errors import DataError, RequestError, StoreError
from dlcore.data.custom import registry as custom
from dlcore.data.sources import locate as sources

pytestmark = pytest.mark.usefixtures("home")


def entry(name="mine", kind="series", checksum="a" * 64):
    return custom.CustomDataset(name, kind, rows=400, checksum=checksum, source="mine.csv", facts={"step_ms": 5})


def save(name="mine", **about):
    return custom.save(
        entry(name, **about), lambda folder: (folder / "part").write_text("x"), reserved=sources.DATASETS
    )


def test_saved_dataset_is_found_by_name_and_id_and_listed_by_kind():
    entry = save()
    assert custom.find("mine") == custom.find("custom:mine") == entry == custom.require("custom:mine", "series")
    assert (entry.folder / "part").read_text() == "x" and entry.added > 0
    save("photos", kind="images")
    assert [dataset.name for dataset in custom.list_datasets()] == ["mine", "photos"]
    assert [dataset.name for dataset in custom.list_datasets("images")] == ["photos"]
    assert (
        sources.is_available("custom:mine")
        and sources.get_dataset("custom:mine").is_custom
        and not sources.is_available("custom:no")
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a b",
        "-a",
        "a\0b",
        "a\nb",
        "é",
        "x" * 41,
        "con",
        "NUL",
        "custom:x",
        "~",
        "$HOME",
        "nyc_taxi",
        "digits",
    ],
)
def test_invalid_name_is_rejected(name, home):
    with pytest.raises(RequestError) as refusal:
        save(name)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 200
    assert not list(home.glob("custom/*")) and custom.list_datasets() == []


def test_name_is_unique_regardless_of_case():
    save("Rides")
    for name in ("Rides", "rides"):
        with pytest.raises(RequestError, match="data remove Rides"):
            save(name)
    assert custom.free_name("Rides") == "Rides-2" and custom.free_name("../ odd näme.csv") == "odd-n-me-csv"
    assert custom.free_name("nyc_taxi", reserved=sources.DATASETS) == "nyc_taxi-2"


def test_failed_write_leaves_nothing(home):
    def breaks(folder):
        (folder / "part").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        custom.save(entry(), breaks, reserved=())
    with pytest.raises(KeyboardInterrupt):
        custom.save(entry(), lambda folder: (_ for _ in ()).throw(KeyboardInterrupt), reserved=())
    assert list(home.glob("custom/*")) + list(home.glob("custom/.*")) == [] and custom.list_datasets() == []


def test_concurrent_writer_is_rejected(monkeypatch):
    def slow(folder):
        save()  # a concurrent writer finishes first

    with pytest.raises(RequestError, match="already"):
        custom.save(entry(), slow, reserved=())
    assert (custom.require("mine", "series").folder / "part").read_text() == "x"


def test_removed_dataset_is_gone():
    save()
    assert custom.remove("custom:mine").name == "mine" and custom.find("mine") is None
    with pytest.raises(RequestError, match="available are none"):
        custom.remove("mine")
    with pytest.raises(DataError, match="not on this machine"):
        custom.require("mine", "series")


def test_other_content_or_kind_is_rejected():
    save()
    with pytest.raises(DataError, match="differs from the one this run was trained on"):
        custom.require("mine", "series", checksum="b" * 64)
    with pytest.raises(DataError, match="is of kind series, not images"):
        custom.require("mine", "images")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "other"}', '{"name": "mine", "kind": "moon"}', "\xff"])
def test_unreadable_metadata_is_skipped(home, text):
    folder = home / "custom" / "mine"
    folder.mkdir(parents=True)
    (folder / custom.METADATA).write_text(text, encoding="latin-1")
    assert custom.find("mine") is None and custom.list_datasets() == []


def test_datasets_of_earlier_releases_are_found_under_their_old_folder_and_id(home):
    saved = save()
    (home / "own").mkdir()
    saved.folder.rename(home / "own" / "mine")
    assert custom.find("own:mine") == custom.find("custom:mine") == saved
    assert saved.folder == home / "own" / "mine" and (saved.folder / "part").exists()
    assert custom.is_custom("own:mine") and custom.normalize_id("own:mine") == "custom:mine"
    assert [entry.dataset for entry in custom.list_datasets()] == ["custom:mine"]
    with pytest.raises(RequestError, match="already"):
        save()
    assert custom.remove("mine").name == "mine" and custom.find("mine") is None


def test_old_id_in_a_run_config_becomes_the_current_one():
    save()
    config = projects.configure("anomaly", dataset="mine", preset="quick")
    old = {**config.model_dump(), "dataset": "own:mine"}
    assert projects.load_config(old) == config and config.dataset == "custom:mine"
