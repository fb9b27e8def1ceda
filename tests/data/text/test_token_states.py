"""The disk cache of token states: keys, damaged files, eviction, limits."""

import os
import shutil

import numpy as np
import pytest
import torch

from dlcore.core.errors import ConfigError, DataError
from dlcore.data.text import token_states
from dlcore.data.text.token_states import TokenStates


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path))
    monkeypatch.delenv("DLCORE_STATES_GB", raising=False)
    return tmp_path / "states"


def keep(key, lengths, width=4):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    states = np.random.default_rng(0).normal(size=(offsets[-1], width)).astype(np.float16)
    token_states.save(key, states, offsets)
    return token_states.load(key, texts=len(lengths), width=width)


def test_saved_states_are_gathered_with_zero_padding():
    first, second = keep("a" * 32, [2, 3]), keep("b" * 32, [1])
    states = TokenStates([first, second], np.array([(0, 0), (0, 1), (1, 0)]))
    gathered, mask = states.gather(torch.tensor([2, 1]))
    assert states.lengths.tolist() == [2, 3, 1] and len(states) == 3
    assert gathered.shape == (2, 3, 4) and gathered.dtype == torch.float32
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert not gathered[0, 1:].any() and np.array_equal(gathered[1].numpy(), first.states[2:5])


def test_key_depends_on_settings_and_texts():
    keys = {
        token_states.cache_key(decided_by, texts)
        for decided_by, texts in (
            ("x", ["ab", "c"]),
            ("y", ["ab", "c"]),
            ("x", ["a", "bc"]),
            ("x", ["c", "ab"]),
            ("x", ["abc"]),
            ("x", []),
        )
    }
    assert len(keys) == 6
    assert token_states.cache_key("x", ["\ud800"])


@pytest.mark.parametrize("which", ["npy", "offsets.npy"])
@pytest.mark.parametrize("harm", ["cut", "gone", "other"])
def test_damaged_chunk_is_none(folder, which, harm):
    keep("a" * 32, [2, 3])
    file = folder / f"{'a' * 32}.{which}"
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-1])
    elif harm == "gone":
        file.unlink()
    else:
        np.save(file, np.zeros((3, 4)))
    assert token_states.load("a" * 32, texts=2, width=4) is None
    assert keep("a" * 32, [2, 3]) is not None


def test_least_recently_used_chunks_are_evicted(folder, monkeypatch):
    for place, key in enumerate(("a", "b", "c")):
        keep(key * 32, [1000])
        os.utime(folder / f"{key * 32}.npy", (place, place))
    token_states.load("a" * 32, texts=1, width=4)  # now the most recently used
    size, chunks = token_states.usage()
    assert chunks == 3
    monkeypatch.setenv("DLCORE_STATES_GB", str(size / 1e9))
    token_states.evict(size // 3, of=["c" * 32])
    assert {path.name[0] for path in folder.iterdir()} == {"a", "c"}
    with pytest.raises(DataError, match=r"limited to 0\.0 MB: set DLCORE_STATES_GB"):
        token_states.evict(size, of=["c" * 32])
    assert token_states.clear() > 0 and token_states.usage() == (0, 0)


def test_full_disk_is_reported_before_computing(monkeypatch):
    free = shutil._ntuple_diskusage(10**12, 10**12 - 10**8, 10**8)
    monkeypatch.setattr(token_states.shutil, "disk_usage", lambda place: free)
    with pytest.raises(DataError, match=r"take 1\.0 GB and the disk of .* has 0\.1 GB free"):
        token_states.evict(10**9, of=[])


def test_invalid_cache_limit_is_rejected(monkeypatch):
    for limit in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("DLCORE_STATES_GB", limit)
        with pytest.raises(ConfigError, match="DLCORE_STATES_GB"):
            token_states.evict(1, of=[])
