"""Cost of gradient probes: CPU time of a training step with and without them, at the default interval.

    python tests/benchmarks/probes.py [--repeats 12] > probes.json

Both run `fit` on random data, interleaved epoch by epoch in one process on one thread. Reports the median of the ratios
of all repeats. CPU time, unlike wall time, hardly depends on the machine's other load.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core import devices
from dlcore.data.batches import Batches
from dlcore.data.splits import Split
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.models.dense_autoencoder import DenseAutoencoder
from dlcore.models.dense_classifier import DenseClassifier, ImprovedDenseConfig
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.runs.accelerator import connect
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective, Validation, fit
from dlcore.training.state import TrainingState

EVERY = TrainingConfig().gradient_every


def training(module: nn.Module, inputs: Tensor, targets: Tensor, *, batch: int, every: int) -> Iterator[None]:
    """Train without end; yields after each epoch."""
    config = TrainingConfig(epochs=10_000, batch_size=batch, gradient_every=every)
    batches = Batches(Split((inputs,), targets, np.arange(len(inputs))), batch, seed=0)
    state = TrainingState(module, config, steps_per_epoch=len(batches), fabric=connect("cpu"))
    state.probe_every = every * (state.probe_every // max(1, state.gradient_every))
    state.gradient_every = every  # long runs record less often
    loss = nn.functional.cross_entropy if targets is not inputs else nn.functional.mse_loss
    epoch = 1
    for _ in fit(state, batches, objective=Objective(loss), validation=Validation(lambda _: {"validation_loss": 0.0})):
        if state.epoch != epoch:
            epoch = state.epoch
            yield


def measure_steps(
    build: Callable[[], nn.Module], shape: tuple[int, ...], *, batch: int, classes: int, repeats: int
) -> dict:
    """Return median milliseconds per step without and with probes, and the added share in percent."""
    steps = EVERY * (10 if len(shape) == 1 else 1)
    inputs = torch.rand(steps * batch, *shape)
    targets = torch.randint(classes, (len(inputs),)) if classes else inputs
    running = {every: training(build(), inputs, targets, batch=batch, every=every) for every in (0, EVERY)}
    times: dict[int, list[float]] = {every: [] for every in running}
    for repeat in range(repeats + 1):
        for every in (0, EVERY) if repeat % 2 else (EVERY, 0):
            begin = time.process_time()
            next(running[every])
            if repeat:
                times[every].append((time.process_time() - begin) / steps * 1e3)
    added = [with_ / without - 1 for without, with_ in zip(times[0], times[EVERY], strict=True)]
    return {
        "ms_a_step_without": round(statistics.median(times[0]), 4),
        "ms_a_step_with": round(statistics.median(times[EVERY]), 4),
        "added_percent": round(100 * statistics.median(added), 2),
    }


def deep() -> nn.Module:
    """Return the network of the gradients page: twenty layers with batch norm."""
    return DeepNetwork(
        DeepNetworkConfig(normalization="batch", skip_connections=True), channels=1, height=28, classes=10
    )


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    torch.manual_seed(0)
    result = {
        "hardware": devices.describe(),
        "torch": torch.__version__,
        "probed_every": EVERY,
        "dense_autoencoder_5_64_32_2": measure_steps(
            lambda: DenseAutoencoder(5, (64, 32, 2)), (5,), batch=64, classes=0, repeats=repeats
        ),
        "dense_256_128_64": measure_steps(
            lambda: DenseClassifier(ImprovedDenseConfig(), features=784, classes=10),
            (784,),
            batch=128,
            classes=10,
            repeats=repeats,
        ),
        "deep_network_20": measure_steps(deep, (28, 28), batch=32, classes=10, repeats=repeats),
        "resnet_18_32px": measure_steps(
            lambda: resnet(ResNetConfig(width=16), channels=3, classes=10),
            (3, 32, 32),
            batch=16,
            classes=10,
            repeats=max(3, repeats // 3),
        ),
    }
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
