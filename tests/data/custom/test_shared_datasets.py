"""Custom datasets of a shared server: of the viewer, of the administrator, and shared ones."""

import pytest

from dlcore.core import access
from dlcore.core.access import ANONYMOUS, MACHINE, Viewer
from dlcore.core.errors import DataError, RequestError
from dlcore.data.custom import registry
from dlcore.data.custom.registry import CustomDataset

ANNA, BORIS = Viewer("anna@example.org"), Viewer("boris@example.org")


@pytest.fixture(autouse=True)
def _server(home, monkeypatch):
    (home.parent / "shared.toml").write_text("")
    monkeypatch.setenv(access.SHARED, str(home.parent / "shared.toml"))


def save(viewer, name, checksum):
    with access.acting_as(viewer):
        entry = CustomDataset(name=name, kind="series", rows=3, checksum=checksum)
        return registry.save(entry, lambda folder: (folder / "values").write_text(viewer.name), reserved=())


def names(viewer):
    with access.acting_as(viewer):
        return [entry.name for entry in registry.list_datasets()]


def test_each_person_sees_their_datasets_and_those_of_the_administrator(home):
    save(ANNA, "data", "1"), save(BORIS, "data", "2"), save(MACHINE, "course", "3")
    assert names(ANNA) == names(BORIS) == ["course", "data"] and names(MACHINE) == ["course", "data"]
    for viewer, checksum in ((ANNA, "1"), (BORIS, "2")):
        with access.acting_as(viewer):
            entry = registry.require("custom:data", "series")
            assert entry.checksum == checksum and (entry.folder / "values").read_text() == viewer.name
            with pytest.raises(RequestError, match="of yours"):
                registry.remove("course")
    with access.acting_as(ANONYMOUS), pytest.raises(RequestError, match="not signed in"):
        registry.list_datasets()


def test_shared_dataset_is_used_but_removed_by_its_owner_only(home):
    save(ANNA, "photos", "1")
    with access.acting_as(BORIS):
        assert registry.find("photos") is None
        for action in (registry.remove, lambda name: registry.share(name, is_shared=True)):
            with pytest.raises(RequestError, match="there is no custom dataset 'photos' of yours"):
                action("photos")
        with pytest.raises(DataError, match="is not on this machine"):
            registry.require("photos", "series")
    with access.acting_as(ANNA):
        assert registry.share("photos", is_shared=True).is_shared
    with access.acting_as(BORIS):
        entry = registry.require("photos", "series")
        assert (entry.folder / "values").read_text() == ANNA.name and not entry.is_own
        with pytest.raises(RequestError, match="of yours"):
            registry.remove("photos")
    with access.acting_as(ANNA):
        registry.share("photos", is_shared=False)
    assert names(BORIS) == []


def test_a_run_finds_the_shared_dataset_it_was_trained_on_by_its_checksum(home):
    save(ANNA, "data", "1"), save(BORIS, "data", "2")
    with access.acting_as(ANNA):
        registry.share("data", is_shared=True)
    with access.acting_as(BORIS):
        assert registry.require("data", "series").checksum == "2"
        other = registry.require("data", "series", checksum="1")
        assert (other.folder / "values").read_text() == ANNA.name
        with pytest.raises(DataError, match="differs"):
            registry.require("data", "series", checksum="3")


def test_storage_of_a_person_is_limited(home):
    (home.parent / "shared.toml").write_text("stored_gb = 0.000001")
    save(ANNA, "first", "1")
    with pytest.raises(RequestError, match="empty the trash"):
        for number in range(20):
            save(ANNA, f"more-{number}", str(number))
    save(BORIS, "first", "1")
