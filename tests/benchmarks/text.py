"""Texts: training throughput against a plain loop, prediction latency, time to build a vocabulary.

    OMP_NUM_THREADS=1 python tests/benchmarks/text.py [--steps 40] [--repeats 5]

Training: the base LSTM on IMDB with up to 400 words per review, and the improved encoder on AG News with 128 words;
batches of 32. dlcore buckets texts by length and trims padding; the plain loop pads every text to 400 or 128 words and
uses a DataLoader and torch's Adam. Both run the same steps in turns; padding does not count as tokens. Latency is that
of every available reference model for a review of 200 words. Prints JSON.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dlcore import projects, runs
from dlcore.data.batches import Batches
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.projects import RunConfig, classification
from dlcore.training import optimizers

CASES = (
    ("reviews_lstm", "base_lstm", "imdb", {"length": 400, "rows": 20_000, "hidden": 96, "bucketed": True}),
    ("news", "improved_encoder", "ag_news_15k", {}),
)
"""Project, model, dataset, settings."""
TEXTS = ("news", "questions", "reviews_lstm", "reviews_transformer")


def build_model(config: RunConfig, prepared: Prepared) -> torch.nn.Module:
    torch.manual_seed(0)
    project = projects.get(config.project)
    return project.models[config.model].build(config.model_options, prepared.facts).train()


def run_dlcore(config: RunConfig, prepared: Prepared, *, steps: int) -> float:
    """Return tokens per second."""
    module = build_model(config, prepared)
    optimizer = optimizers.create(module, config.training)
    batches = Batches(prepared.train, config.training.batch_size, seed=0, transform=prepared.transform).epoch(1)
    loss = classification.objective(config, prepared).loss
    tokens, start = 0, time.perf_counter()
    for _, (inputs, targets) in zip(range(steps), batches, strict=False):
        optimizer.zero_grad()
        loss(module(*inputs), targets).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        tokens += int(inputs[0].ne(0).sum())
    return tokens / (time.perf_counter() - start)


def run_plain(config: RunConfig, prepared: Prepared, *, steps: int) -> float:
    """Return tokens per second."""
    module = build_model(config, prepared)
    optimizer = torch.optim.Adam(module.parameters(), lr=config.training.learning_rate)
    data = TensorDataset(*prepared.train.inputs, prepared.train.targets)
    loader = DataLoader(data, config.training.batch_size, shuffle=True, generator=torch.Generator().manual_seed(0))
    tokens, start = 0, time.perf_counter()
    for _, (ids, targets) in zip(range(steps), loader, strict=False):
        optimizer.zero_grad()
        functional.cross_entropy(module(ids), targets).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        tokens += int(ids.ne(0).sum())
    return tokens / (time.perf_counter() - start)


def measure_speed(slug: str, model: str, dataset: str, settings: dict, *, steps: int, repeats: int) -> dict[str, float]:
    """Return the medians of both throughputs and of their paired ratios."""
    config = projects.configure(slug, model=model, dataset=dataset, settings={**settings, "gradient_every": 0})
    prepared = projects.get(slug).prepare(config)
    pairs = [
        (run_dlcore(config, prepared, steps=steps), run_plain(config, prepared, steps=steps)) for _ in range(repeats)
    ]
    return {
        "dlcore": round(statistics.median(dlcore for dlcore, _ in pairs)),
        "plain": round(statistics.median(plain for _, plain in pairs)),
        "ratio": round(statistics.median(dlcore / plain for dlcore, plain in pairs), 2),
    }


def measure_latency() -> dict[str, dict[str, float]]:
    """Return median wall and CPU milliseconds of a prediction by reference run; CPU time ignores other load."""
    words = ("This film was a fine piece of work, and I would see it again with my children. " * 13).encode()
    result = {}
    for slug in TEXTS:
        for run in runs.references(slug):
            loaded, predict = run.bundle.load(), projects.get(slug).answer
            predict(loaded, words)
            times: dict[str, list[float]] = {"wall": [], "cpu": []}
            for _ in range(15):
                wall, cpu = time.perf_counter(), time.process_time()
                predict(loaded, words)
                times["wall"].append(1000 * (time.perf_counter() - wall))
                times["cpu"].append(1000 * (time.process_time() - cpu))
            result[run.run_id] = {clock: round(statistics.median(values), 1) for clock, values in times.items()}
    return result


def measure_vocabulary() -> dict[str, float]:
    """Return the seconds to build a vocabulary of 20,000 words from 25,000 reviews."""
    data = text.load("imdb")
    reviews = [review for review, is_test in zip(data.texts, data.test, strict=True) if not is_test]
    wall, cpu = time.perf_counter(), time.process_time()
    text.Vocabulary.fit(reviews, size=20_000)
    return {"wall_s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    speeds = {
        f"{case[0]}/{case[1]}": measure_speed(*case, steps=options.steps, repeats=options.repeats) for case in CASES
    }
    result = {
        "tokens_per_second": speeds,
        "answer_ms": measure_latency(),
        "vocabulary_of_25000_reviews": measure_vocabulary(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
