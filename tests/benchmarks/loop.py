"""Time of one optimizer step: our `fit`, live logging on, against the loop everyone writes and a hand-tuned bare one.

    python tests/benchmarks/loop.py [--repeats 10] > loop.json

They run interleaved in one process on one thread, so that a machine's ups and downs hit all alike; the ratio of each
repeat is taken within it and the median reported. Data: the taxi series' first 7,193 rows of five features, batch 64,
dense 5-64-32-2 autoencoder. A second part does the same where a step takes 5 ms or more. Also times the run store.
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
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from dlcore.core import devices
from dlcore.data.batches import Batches
from dlcore.data.series.series import MinMaxScaler, load_nyc_taxi
from dlcore.data.splits import Split
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.projects.anomaly.project import time_features
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState

ROWS, BATCH = 7193, 64


def everyone(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """DataLoader and default Adam, the loss read at every step, as tutorials have it. Yields after each epoch."""
    loader = DataLoader(TensorDataset(data), batch_size=batch, shuffle=True)
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3)
    loss_of = nn.MSELoss()
    for _ in range(epochs):
        total = 0.0
        for (rows,) in loader:
            optimiser.zero_grad()
            loss = loss_of(module(rows), rows)
            loss.backward()
            optimiser.step()
            total += loss.item()
        yield


def bare(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """Nothing but the work: one gather an epoch, fused Adam, no logging."""
    optimiser = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    for _ in range(epochs):
        for rows in data[torch.randperm(len(data))].split(batch):
            loss = nn.functional.mse_loss(module(rows), rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        yield


def ours(module: nn.Module, data: Tensor, epochs: int, batch: int, gradient_every: int = 20) -> Iterator[None]:
    """`fit` as a run uses it: Step and Gradients events taken and kept, state ready for a pause at any of them."""
    config = TrainingConfig(epochs=epochs, batch_size=batch, gradient_every=gradient_every)
    batches = Batches(Split((data,), data, np.arange(len(data))), batch, seed=0)
    state = TrainingState(module, config, steps_per_epoch=len(batches), fabric=Fabric(accelerator="cpu"))
    rule = Validation(lambda _: {"validation_loss": 0.0})
    result, epoch = [], 1
    for event in fit(state, batches, objective=Objective(nn.functional.mse_loss), validation=rule):
        result.append(event)
        if state.epoch != epoch:
            epoch = state.epoch
            yield


def ours_without_gradients(module: nn.Module, data: Tensor, epochs: int, batch: int) -> Iterator[None]:
    """The same with the gradient probe switched off: the difference is the probe's cost."""
    return ours(module, data, epochs, batch, gradient_every=0)


Loop = Callable[[nn.Module, Tensor, int, int], Iterator[None]]


def interleaved(
    loops: dict[str, Loop], build: Callable[[], nn.Module], data: Tensor, *, repeats: int, batch: int
) -> dict:
    """Microseconds a step of each loop, one epoch of each in turn; the first epoch of each warms up."""
    steps = -(-len(data) // batch)
    running = {name: loop(build(), data, repeats + 1, batch) for name, loop in loops.items()}
    times: dict[str, list[float]] = {name: [] for name in loops}
    for repeat in range(repeats + 1):
        names = list(loops) if repeat % 2 else list(loops)[::-1]
        for name in names:
            begin = time.perf_counter()
            next(running[name])
            if repeat:
                times[name].append((time.perf_counter() - begin) / steps * 1e6)
    result: dict = {"microseconds_a_step": {name: round(statistics.median(t), 1) for name, t in times.items()}}
    for rival in times:
        if rival != "fit":
            ratios = [a / b for a, b in zip(times["fit"], times[rival], strict=True)]
            result[f"fit_over_{rival}"] = {
                "median": round(statistics.median(ratios), 3),
                "min": round(min(ratios), 3),
                "max": round(max(ratios), 3),
            }
    return result


def wide() -> nn.Module:
    """A model whose step takes 5 ms or more on one thread."""
    return nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 256))


def store_times() -> dict[str, float]:
    """Milliseconds to write a batch of five metrics and to read five histories of 100 and of 2,000."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DLCORE_HOME"] = home
        from dlcore.projects import configure
        from dlcore.runs import create, open_run
        from dlcore.runs.folder import of_run
        from dlcore.runs.metric_file import append_metrics

        run_id = create(configure("anomaly", model="dense_32", preset="quick")).run_id
        folder = of_run(run_id)
        names, writes, result = [f"metric_{i}" for i in range(5)], [], {}
        for step in range(1, 2001):
            begin = time.perf_counter()
            if step <= 100:
                append_metrics(folder, [(step, dict.fromkeys(names, 1.0 / step), step)])
                writes.append(time.perf_counter() - begin)
            elif step % 200 == 0:
                append_metrics(folder, [(s, dict.fromkeys(names, 1.0 / s), s) for s in range(step - 199, step + 1)])
            if step in (100, 2000):
                reads = []
                for _ in range(5):
                    begin = time.perf_counter()
                    open_run(run_id).history()
                    reads.append(time.perf_counter() - begin)
                result[f"read_five_histories_of_{step}_ms"] = round(statistics.median(reads) * 1e3, 2)
        return {"write_a_batch_of_five_ms": round(statistics.median(writes) * 1e3, 2), **result}


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
        "everyone": everyone,
        "fit": ours,
        "bare": bare,
        "fit_no_gradients": ours_without_gradients,
    }
    small = interleaved(loops, lambda: DenseAutoencoder(5, (64, 32, 2)), data, repeats=options.repeats, batch=BATCH)
    large = interleaved({"fit": ours, "bare": bare}, wide, torch.rand(8192, 256), repeats=options.repeats, batch=256)
    result = {
        "hardware": devices.describe(),
        "torch": torch.__version__,
        "dense_5_64_32_2": small,
        "step_of_5_ms": large,
    }
    if not options.no_store:
        result["store"] = store_times()
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
