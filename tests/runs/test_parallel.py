"""Two processes that share every batch train as one process with the whole batch."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

BASE = {"batch_size": 15, "gradient_every": 5, "epochs": 5}  # the two parts of a batch have 8 and 7 samples
SGD = {**BASE, "optimizer": "sgd"}  # Adam amplifies the rounding errors of gradients that are zero (biases of keys)
DIGITS = {"dataset": "digits", "flip": False, "shift": 0}
CONFIGS = {
    "dense": ("anomaly", {**BASE, "model": "dense_32"}, ""),
    "recurrent": ("anomaly", {**BASE, "model": "lstm"}, ""),
    "missing targets": (
        "forecast",
        {**BASE, "model": "lstm", "dataset": "beijing_pm25", "dropout": 0.0, "loss_on": "observed"},
        "",
    ),
    "last batch of three": (
        "gradients",
        {**SGD, **DIGITS, "model": "vgg_deep", "train_rows": 100, "batch_size": 29},
        "",
    ),
    "attention": ("vit", {**SGD, **DIGITS, "model": "vit", "dropout": 0.0}, ""),
    "padded targets": ("seq2seq", {**SGD, "dataset": "dates_in_words", "dropout": 0.0}, ""),
    "clipped gradient, padded texts": (
        "questions",
        {**SGD, "model": "gru", "dataset": "template_questions", "dropout": 0.0, "word_dropout": 0.0, "clip_norm": 0.1},
        "",
    ),
    "batch norm in evaluation mode": (
        "architectures",
        {**SGD, **DIGITS, "model": "resnet18", "learning_rate": 1e-4},
        "eval",
    ),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    (folder / "configs").write_text(json.dumps(CONFIGS))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = str(listener.getsockname()[1])
    script = Path(__file__).with_name("parallel_process.py")
    jobs = [
        subprocess.Popen([sys.executable, script, rank, n, port, folder / n, folder / "configs"])
        for rank, n in (("0", "1"), ("0", "2"), ("1", "2"))
    ]
    assert [job.wait(300) for job in jobs] == [0, 0, 0]
    return torch.load(folder / "1"), torch.load(folder / "2")


@pytest.mark.parametrize("name", CONFIGS)
def test_two_processes_equal_one_with_the_whole_batch(results, name):
    single, pair = (result[name] for result in results)
    for part in ("weights", "losses", "norms", "metrics"):
        assert single[part].keys() == pair[part].keys(), part
        assert single[part] or part == "metrics", part  # of finished epochs
        for key in single[part]:
            assert torch.allclose(single[part][key], pair[part][key], rtol=1e-5, atol=1e-5), (part, key)
