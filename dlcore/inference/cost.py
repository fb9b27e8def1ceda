"""Cost of a network: multiply-adds, training memory and latency."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dlcore.inference.predict import evaluation_mode

ROUNDS, MIN_ROUNDS, CALLS, SECONDS = 20, 4, 3, 3.0
"""Latency: rounds over the models, timed calls per round, and the time after which no further round begins."""
QUIET = 1.25
"""Largest ratio of a call's seconds to its processor seconds if nothing interrupted it."""
BYTES = 4
_STATES: dict[str, int] = {"adam": 2, "adamw": 2, "sgd": 1}
"""State values per weight kept by each optimizer, with momentum."""


@dataclass(frozen=True)
class Cost:
    """Cost per sample: `multiply_adds` of a prediction (0 if not countable) and bytes for a training step (weights,
    gradients, optimizer state, and activations stored for backward).
    """

    parameters: int
    multiply_adds: int
    training_bytes: int


def count_cost(
    build: Callable[[], nn.Module],
    shape: tuple[int, ...],
    *,
    batch_size: int,
    optimizer: Literal["adam", "adamw", "sgd"] = "adam",
) -> Cost:
    """Count cost on torch's meta device: milliseconds for any size.

    `shape` is the shape of one float sample without the batch. Memory is a lower bound: convolution workspaces come on
    top.
    """
    with torch.device("meta"):
        module = build()
        sample = torch.empty(1, *shape)
        counter = FlopCounterMode(display=False)
        with counter, evaluation_mode(module):
            module(sample)
        module.train()
        activation_bytes = _activation_bytes(module, torch.empty(max(2, batch_size), *shape))
    parameters = sum(part.numel() for part in module.parameters())
    return Cost(
        parameters=parameters,
        multiply_adds=counter.get_total_flops() // 2,  # the counter counts a multiply-add as two operations
        training_bytes=parameters * BYTES * (2 + _STATES[optimizer]) + activation_bytes,
    )


def _activation_bytes(module: nn.Module, batch: Tensor) -> int:
    """Return the bytes of tensors that autograd stores, each storage once, without weights."""
    weights = {part.untyped_storage()._cdata for part in (*module.parameters(), *module.buffers())}
    stored: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        stored[tensor.untyped_storage()._cdata] = tensor  # keep references, so that no storage id is reused
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = module(batch)
    del outputs
    return sum(tensor.untyped_storage().nbytes() for number, tensor in stored.items() if number not in weights)


@dataclass(frozen=True)
class Latencies:
    """Processor seconds of the fastest prediction of each model: its duration, on one thread of a quiet machine.

    `is_quiet` False: other programs interrupted every prediction of a model.
    """

    seconds: Mapping[str, float]
    is_quiet: bool


def measure_latencies(models: Mapping[str, tuple[nn.Module, Tensor]]) -> Latencies:
    """Measure predictions of models with one sample each, on one thread of the CPU.

    The models take turns for several rounds, so that a change of load affects all of them, and the fastest call counts:
    other programs can only make a call slower. Processor time leaves out the time in which they had the core.
    """
    wall, cpu = dict.fromkeys(models, math.inf), dict.fromkeys(models, math.inf)
    threads = torch.get_num_threads()
    begin = time.perf_counter()
    try:
        torch.set_num_threads(1)
        for number in range(ROUNDS):
            for name, (module, sample) in models.items():
                for seconds, cpu_seconds in _time_calls(module, sample):
                    wall[name], cpu[name] = min(wall[name], seconds), min(cpu[name], cpu_seconds)
            if number + 1 >= MIN_ROUNDS and time.perf_counter() - begin > SECONDS:
                break
    finally:
        torch.set_num_threads(threads)
    return Latencies(cpu, all(wall[name] <= QUIET * cpu[name] for name in models))


def _time_calls(module: nn.Module, sample: Tensor) -> list[tuple[float, float]]:
    """Return seconds and processor seconds of some calls after a warm-up."""
    times = []
    with evaluation_mode(module):
        module(sample)
        for _ in range(CALLS):
            wall, cpu = time.perf_counter(), time.thread_time()
            module(sample)
            times.append((time.perf_counter() - wall, time.thread_time() - cpu))
    return times
