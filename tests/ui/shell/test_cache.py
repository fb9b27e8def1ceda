"""The pages' caches: each viewer of a shared server has their own entries."""

import re

import pytest

from dlcore.core import access
from dlcore.core.access import Viewer
from dlcore.core.settings import PACKAGE
from dlcore.ui.shell.cache import cache_data, cache_resource, clear


@pytest.mark.parametrize("cache", [cache_data, cache_resource])
def test_viewers_do_not_share_entries(cache, monkeypatch):
    calls = []

    @cache(max_entries=8, show_spinner=False)
    def load(name: str, _bundle: object, size: int = 1) -> str:
        calls.append((name, size))
        return f"{name} of {access.current().name}"

    monkeypatch.setenv(access.SHARED, "settings.toml")
    for person in ("anna", "boris"):
        with access.acting_as(Viewer(person)):
            assert load("data", object()) == load("data", object()) == f"data of {person}"
            assert load("data", _bundle=object(), size=2) == f"data of {person}"
    assert calls == [("data", 1), ("data", 2)] * 2
    clear(load)
    with access.acting_as(Viewer("anna")):
        load("data", object())
    assert len(calls) == 5


def test_pages_cache_by_viewer():
    """Streamlit's own caches are only for what a bundle's folder names, which `open_run` has checked."""
    users = {
        path.name
        for path in (PACKAGE / "ui").rglob("*.py")
        if re.search(r"@st\.cache_(data|resource)", path.read_text())
    }
    assert users == {"run_cache.py"}
