"""Cost of a network: multiply-adds, training memory and latency."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dlcore.inference.predict import evaluation_mode

WARM, TRIES, SECONDS = 3, 15, 1.0
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


def latency(module: nn.Module, sample: Tensor) -> float:
    """Return the median seconds of a prediction with batch size one, on the module's device, after warm-up."""
    times = []
    begin = time.perf_counter()
    with evaluation_mode(module):
        for number in range(WARM + TRIES):
            start = time.perf_counter()
            module(sample)
            if sample.device.type == "cuda":
                torch.cuda.synchronize()
            if number >= WARM:
                times.append(time.perf_counter() - start)
            if times and time.perf_counter() - begin > SECONDS:
                break
    return statistics.median(times)
