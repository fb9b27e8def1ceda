"""Memory is compared with what a file needs before it is spent."""

import pytest

from dlcore.core import memory
from dlcore.core.errors import DataError
from dlcore.data.repairs import Repairs
from dlcore.data.tabular.read import read_table


def test_available_memory_is_that_of_machine_and_container(tmp_path, monkeypatch):
    files = {"_MEMINFO": "MemTotal: 900 kB\nMemAvailable:  500 kB\n", "_LIMIT": "400000\n", "_USED": "100000\n"}
    for name, text in files.items():
        monkeypatch.setattr(memory, name, tmp_path / name)
        (tmp_path / name).write_text(text)
    assert memory.available_bytes() == 300_000
    (tmp_path / "_LIMIT").write_text("max\n")
    assert memory.available_bytes() == 512_000
    (tmp_path / "_MEMINFO").unlink()
    assert memory.available_bytes() is None


def test_a_table_is_refused_before_it_is_read_if_memory_is_short(monkeypatch):
    payload = b"text,label\n" + b"some words,yes\n" * 200_000
    assert len(read_table(payload, Repairs()).rows) == 200_000
    monkeypatch.setattr(memory, "available_bytes", lambda: 20 * 2**20)
    with pytest.raises(DataError, match=r"this file needs about \d+ MB of memory, 20 MB are free: close") as caught:
        read_table(payload, Repairs())
    assert "\n" not in str(caught.value)
