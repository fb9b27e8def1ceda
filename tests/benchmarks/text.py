"""Texts: tokens a second in training against the plainest loop, one answer's time, a vocabulary's time.

    OMP_NUM_THREADS=1 python tests/benchmarks/text.py [--steps 40] [--repeats 5]

Training: the base LSTM on IMDB, up to 400 words of each review, and the improved encoder on AG News at its page's 128;
batches of 32. Ours sorts texts of about the same length together and cuts padding off; the plainest loop pads every
text to the 400, or 128, and goes through a DataLoader with torch's usual Adam. Both do the same steps on the same
machine in turns; a token is a word of a text, padding is none. The answers are those of every reference model at hand
to a review of 200 words. Prints JSON.
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


def fresh(config: RunConfig, prepared: Prepared) -> torch.nn.Module:
    torch.manual_seed(0)
    project = projects.get(config.project)
    return project.models[config.model].build(config.model_options, prepared.facts).train()


def ours(config: RunConfig, prepared: Prepared, *, steps: int) -> float:
    """Tokens a second."""
    module = fresh(config, prepared)
    optimiser = optimizers.create(module, config.training)
    batches = Batches(prepared.train, config.training.batch_size, seed=0, transform=prepared.transform).epoch(1)
    loss = classification.objective(config, prepared).loss
    tokens, begin = 0, time.perf_counter()
    for _, (inputs, targets) in zip(range(steps), batches, strict=False):
        optimiser.zero_grad()
        loss(module(*inputs), targets).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        tokens += int(inputs[0].ne(0).sum())
    return tokens / (time.perf_counter() - begin)


def plainest(config: RunConfig, prepared: Prepared, *, steps: int) -> float:
    """Tokens a second."""
    module = fresh(config, prepared)
    optimiser = torch.optim.Adam(module.parameters(), lr=config.training.learning_rate)
    data = TensorDataset(*prepared.train.inputs, prepared.train.targets)
    loader = DataLoader(data, config.training.batch_size, shuffle=True, generator=torch.Generator().manual_seed(0))
    tokens, begin = 0, time.perf_counter()
    for _, (ids, targets) in zip(range(steps), loader, strict=False):
        optimiser.zero_grad()
        functional.cross_entropy(module(ids), targets).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        tokens += int(ids.ne(0).sum())
    return tokens / (time.perf_counter() - begin)


def speed(slug: str, model: str, dataset: str, settings: dict, *, steps: int, repeats: int) -> dict[str, float]:
    """Medians of both, and of their ratio, turn by turn."""
    config = projects.configure(slug, model=model, dataset=dataset, settings={**settings, "gradient_every": 0})
    prepared = projects.get(slug).prepare(config)
    pairs = [(ours(config, prepared, steps=steps), plainest(config, prepared, steps=steps)) for _ in range(repeats)]
    return {
        "ours": round(statistics.median(result for result, _ in pairs)),
        "plainest": round(statistics.median(plain for _, plain in pairs)),
        "ratio": round(statistics.median(result / plain for result, plain in pairs), 2),
    }


def answers() -> dict[str, dict[str, float]]:
    """Median milliseconds of one answer by the clock and of the processor's time, by reference run; on a machine that
    is busy with other things the second is what an answer takes where it is not."""
    words = ("This film was a fine piece of work, and I would see it again with my children. " * 13).encode()
    result = {}
    for slug in TEXTS:
        for run in runs.references(slug):
            loaded, answer = run.bundle.load(), projects.get(slug).answer
            answer(loaded, words)
            took: dict[str, list[float]] = {"wall": [], "cpu": []}
            for _ in range(15):
                wall, cpu = time.perf_counter(), time.process_time()
                answer(loaded, words)
                took["wall"].append(1000 * (time.perf_counter() - wall))
                took["cpu"].append(1000 * (time.process_time() - cpu))
            result[run.run_id] = {clock: round(statistics.median(times), 1) for clock, times in took.items()}
    return result


def vocabulary() -> dict[str, float]:
    """Seconds for 20,000 words of 25,000 reviews."""
    data = text.load("imdb")
    reviews = [result for result, tested in zip(data.texts, data.test, strict=True) if not tested]
    wall, cpu = time.perf_counter(), time.process_time()
    text.Vocabulary.fit(reviews, size=20_000)
    return {"wall_s": round(time.perf_counter() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    speeds = {f"{case[0]}/{case[1]}": speed(*case, steps=options.steps, repeats=options.repeats) for case in CASES}
    result = {
        "tokens_a_second": speeds,
        "answer_ms": answers(),
        "vocabulary_of_25000_reviews": vocabulary(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "machine": platform.machine(),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
