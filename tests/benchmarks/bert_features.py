"""Speedup of an epoch with cached features of a frozen BERT over the first epoch, which computes them.

`python tests/benchmarks/bert_features.py [TEXTS]` caches that many film reviews (default: 300) in an empty folder.
Prints the time of passes over the batches, and of epochs that train the GRU.
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


def iterate_batches(config: RunConfig) -> None:
    """Prepare the data and iterate over the training batches once."""
    prepared = projects.get(config.project).prepare(config)
    for _ in Batches(prepared.train, 32, seed=0, transform=prepared.transform).epoch(1):
        pass


def train_epoch(config: RunConfig) -> None:
    """Prepare the data and train a GRU for an epoch."""
    project = projects.get(config.project)
    prepared = project.prepare(config)
    module = project.models[config.model].build(config.model_options, prepared.facts)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    for inputs, targets in Batches(prepared.train, 32, seed=0, transform=prepared.transform).epoch(1):
        loss = torch.nn.functional.cross_entropy(module(*inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def measure_seconds(work: Callable[[RunConfig], None], config: RunConfig) -> float:
    """Return the wall time of `work(config)`."""
    start = time.perf_counter()
    work(config)
    return time.perf_counter() - start


def main(rows: int) -> None:
    """Measure both, each with an empty cache."""
    settings = {"rows": rows, "length": 128}
    config = projects.configure("reviews_bert", dataset="movie_reviews", device="cpu", settings=settings)
    data = text.load("movie_reviews")
    texts.load = lambda config: data  # reading the file is not part of an epoch
    for name, work in (("batches alone", iterate_batches), ("with the GRU", train_epoch)):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DLCORE_CACHE"] = folder
            first, second = measure_seconds(work, config), min(measure_seconds(work, config) for _ in range(2))
        print(f"{name:14} first {first:7.2f} s   second {second:6.2f} s   {first / second:6.1f} times faster")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
