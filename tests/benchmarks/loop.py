"""Time of an optimizer step: `fit` with live logging against the loop of PyTorch's tutorials and a tuned minimal loop.

    python tests/benchmarks/loop.py [--repeats 10] > loop.json

The loops run interleaved in one process on one thread, so that other load affects all of them. Reports the median of
the ratios of all repeats. Data: the first 7,193 rows of the taxi series with five features, batch 64, dense 5-64-32-2
autoencoder. A second part uses a model whose step takes 5 ms or more. Also measures the run store.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dlcore.core import devices
from dlcore.data.batches import Batches
from dlcore.data.series.series import MinMaxScaler, load_nyc_taxi
from dlcore.data.splits import Split
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.projects.anomaly.streaming import time_features
from dlcore.runs.accelerator import connect
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState

ROWS, BATCH = 7193, 64


def run_tutorial(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """DataLoader, default Adam and `loss.item()` at every step, as in tutorials. Yields after each epoch."""
    loader = DataLoader(TensorDataset(data), batch_size=batch, shuffle=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_of = nn.MSELoss()
    for _ in range(epochs):
        total = 0.0
        for (rows,) in loader:
            optimizer.zero_grad()
            loss = loss_of(module(rows), rows)
            loss.backward()
            optimizer.step()
            total += loss.item()
        yield


def run_minimal(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """One gather per epoch, fused Adam, no logging."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    for _ in range(epochs):
        for rows in data[torch.randperm(len(data))].split(batch):
            loss = nn.functional.mse_loss(module(rows), rows)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield


def run_fit(module: nn.Module, data: Tensor, epochs: int, batch: int, gradient_every: int = 20) -> Iterator[None]:
    """`fit` as in a run: collects Step and Gradients events."""
    config = TrainingConfig(epochs=epochs, batch_size=batch, gradient_every=gradient_every)
    batches = Batches(Split((data,), data, np.arange(len(data))), batch, seed=0)
    state = TrainingState(module, config, steps_per_epoch=len(batches), fabric=connect("cpu"))
    rule = Validation(lambda _: {"validation_loss": 0.0})
    events, epoch = [], 1
    for event in fit(state, batches, objective=Objective(nn.functional.mse_loss), validation=rule):
        events.append(event)
        if state.epoch != epoch:
            epoch = state.epoch
            yield


def run_fit_without_gradients(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """`fit` without gradient probes; the difference to `run_fit` is their cost."""
    return run_fit(module, data, epochs, batch, gradient_every=0)


Loop = Callable[[nn.Module, Tensor, int, int], Iterator[None]]


def interleaved(
    loops: dict[str, Loop], build: Callable[[], nn.Module], data: Tensor, *, repeats: int, batch: int
) -> dict:
    """Return microseconds per step of each loop, measured in turns by epoch; the first epoch of each is warm-up."""
    steps = -(-len(data) // batch)
    running = {name: loop(build(), data, repeats + 1, batch) for name, loop in loops.items()}
    times: dict[str, list[float]] = {name: [] for name in loops}
    for repeat in range(repeats + 1):
        names = list(loops) if repeat % 2 else list(loops)[::-1]
        for name in names:
            start = time.perf_counter()
            next(running[name])
            if repeat:
                times[name].append((time.perf_counter() - start) / steps * 1e6)
    result: dict = {"microseconds_per_step": {name: round(statistics.median(t), 1) for name, t in times.items()}}
    for other in times:
        if other != "fit":
            ratios = [a / b for a, b in zip(times["fit"], times[other], strict=True)]
            result[f"fit_over_{other}"] = {
                "median": round(statistics.median(ratios), 3),
                "min": round(min(ratios), 3),
                "max": round(max(ratios), 3),
            }
    return result


def create_wide_model() -> nn.Module:
    """Return a model whose step takes 5 ms or more on one thread."""
    return nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 256))


def measure_store() -> dict[str, float]:
    """Return milliseconds to write a batch of five metrics and to read five histories of 100 and 2,000 steps."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        from dlcore.projects import configure
        from dlcore.runs import create, open_run
        from dlcore.runs.folder import of_run
        from dlcore.runs.metric_file import append_metrics

        run_id = create(configure("anomaly", model="dense_32", preset="quick")).run_id
        folder = of_run(run_id)
        names, writes, milliseconds = [f"metric_{i}" for i in range(5)], [], {}
        for step in range(1, 2001):
            start = time.perf_counter()
            if step <= 100:
                append_metrics(folder, [(step, dict.fromkeys(names, 1.0 / step), step)])
                writes.append(time.perf_counter() - start)
            elif step % 200 == 0:
                append_metrics(folder, [(s, dict.fromkeys(names, 1.0 / s), s) for s in range(step - 199, step + 1)])
            if step in (100, 2000):
                reads = []
                for _ in range(5):
                    start = time.perf_counter()
                    open_run(run_id).history()
                    reads.append(time.perf_counter() - start)
                milliseconds[f"read_five_histories_of_{step}_ms"] = round(statistics.median(reads) * 1e3, 2)
        return {"write_a_batch_of_five_ms": round(statistics.median(writes) * 1e3, 2), **milliseconds}


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--no-store", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    features = time_features(load_nyc_taxi())[:ROWS]
    data = torch.from_numpy(MinMaxScaler.fit(features).scale(features))
    loops: dict[str, Loop] = {
        "tutorial": run_tutorial,
        "fit": run_fit,
        "minimal": run_minimal,
        "fit_no_gradients": run_fit_without_gradients,
    }
    small = interleaved(loops, lambda: DenseAutoencoder(5, (64, 32, 2)), data, repeats=options.repeats, batch=BATCH)
    large = interleaved(
        {"fit": run_fit, "minimal": run_minimal},
        create_wide_model,
        torch.rand(8192, 256),
        repeats=options.repeats,
        batch=256,
    )
    result = {
        "hardware": devices.describe(),
        "torch": torch.__version__,
        "dense_5_64_32_2": small,
        "step_of_5_ms": large,
    }
    if not options.no_store:
        result["store"] = measure_store()
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
