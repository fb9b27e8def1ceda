"""Datasets of one's own: names, whole or not at all, pinned by their checksum, gone when removed."""

import pytest

from dlcore.core.errors import DataError, RequestError, StoreError
from dlcore.data.custom import registry as own
from dlcore.data.sources import locate as sources

pytestmark = pytest.mark.usefixtures("home")


def entry(name="mine", kind="series", checksum="a" * 64):
    return own.CustomDataset(name, kind, rows=3, checksum=checksum, source="mine.csv", facts={"step_ms": 5})


def keep(name="mine", **about):
    return own.save(entry(name, **about), lambda folder: (folder / "part").write_text("x"), reserved=sources.DATASETS)


def test_what_is_kept_is_found_by_either_name_and_listed_by_kind():
    kept = keep()
    assert own.find("mine") == own.find("own:mine") == kept == own.require("own:mine", "series")
    assert (kept.folder / "part").read_text() == "x" and kept.added > 0
    keep("photos", kind="images")
    assert [one.name for one in own.list_datasets()] == ["mine", "photos"]
    assert [one.name for one in own.list_datasets("images")] == ["photos"]
    assert (
        sources.is_available("own:mine") and sources.get_dataset("own:mine").own and not sources.is_available("own:no")
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
        "own:x",
        "~",
        "$HOME",
        "nyc_taxi",
        "digits",
    ],
)
def test_names_that_will_not_do(name, home):
    with pytest.raises(RequestError) as refusal:
        keep(name)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 200
    assert not list(home.glob("own/*")) and own.list_datasets() == []


def test_a_name_is_given_once_whatever_its_capitals():
    keep("Rides")
    for name in ("Rides", "rides"):
        with pytest.raises(RequestError, match="data remove Rides"):
            keep(name)
    assert own.free_name("Rides") == "Rides-2" and own.free_name("../ odd näme.csv") == "odd-n-me-csv"
    assert own.free_name("nyc_taxi", reserved=sources.DATASETS) == "nyc_taxi-2"


def test_what_fails_half_way_leaves_nothing(home):
    def breaks(folder):
        (folder / "part").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        own.save(entry(), breaks, reserved=())
    with pytest.raises(KeyboardInterrupt):
        own.save(entry(), lambda folder: (_ for _ in ()).throw(KeyboardInterrupt), reserved=())
    assert list(home.glob("own/*")) + list(home.glob("own/.*")) == [] and own.list_datasets() == []


def test_the_second_of_two_writers_is_told(monkeypatch):
    def slow(folder):
        keep()  # somebody else is faster while this one writes

    with pytest.raises(RequestError, match="already"):
        own.save(entry(), slow, reserved=())
    assert (own.require("mine", "series").folder / "part").read_text() == "x"


def test_removal_and_what_is_said_afterwards():
    keep()
    assert own.remove("own:mine").name == "mine" and own.find("mine") is None
    with pytest.raises(RequestError, match="yours are none"):
        own.remove("mine")
    with pytest.raises(DataError, match="not on this machine"):
        own.require("mine", "series")


def test_another_content_or_kind_under_the_name_is_noticed():
    keep()
    with pytest.raises(DataError, match="not the one this run was made from"):
        own.require("mine", "series", checksum="b" * 64)
    with pytest.raises(DataError, match="holds series, not images"):
        own.require("mine", "images")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "other"}', '{"name": "mine", "kind": "moon"}', "\xff"])
def test_what_cannot_be_read_is_not_there(home, text):
    folder = home / "own" / "mine"
    folder.mkdir(parents=True)
    (folder / own.ABOUT).write_text(text, encoding="latin-1")
    assert own.find("mine") is None and own.list_datasets() == []
