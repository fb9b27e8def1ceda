"""What a network costs: multiply-adds, memory to train, and the time of one answer on this machine."""

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
"""Numbers an optimizer keeps for each weight, with momentum."""


@dataclass(frozen=True)
class Cost:
    """Of one sample: `multiply_adds` of an answer (0 where none could be counted); of a step with its batch: bytes of
    weights, gradients, the optimizer's memory, and of what forward keeps for backward."""

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
    """Count on torch's meta device, where shapes are worked out and nothing is computed: milliseconds for any size.

    `shape` is that of one sample of floats, without its batch. Memory is a lower bound: what a convolution's own
    workspace takes comes on top.
    """
    with torch.device("meta"):
        module = build()
        sample = torch.empty(1, *shape)
        counter = FlopCounterMode(display=False)
        with counter, evaluation_mode(module):
            module(sample)
        module.train()
        kept = _kept_for_backward(module, torch.empty(max(2, batch_size), *shape))
    parameters = sum(part.numel() for part in module.parameters())
    return Cost(
        parameters=parameters,
        multiply_adds=counter.get_total_flops() // 2,  # it counts a multiplication and an addition as two
        training_bytes=parameters * BYTES * (2 + _STATES[optimizer]) + kept,
    )


def _kept_for_backward(module: nn.Module, batch: Tensor) -> int:
    """Bytes of tensors that autograd keeps, each storage once, weights left out."""
    weights = {part.untyped_storage()._cdata for part in (*module.parameters(), *module.buffers())}
    seen: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage()._cdata] = tensor  # held, so that its number is not given to another
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = module(batch)
    del outputs
    return sum(tensor.untyped_storage().nbytes() for number, tensor in seen.items() if number not in weights)


def latency(module: nn.Module, sample: Tensor) -> float:
    """Median seconds of one answer for a batch of one, on the module's device, after warming up."""
    times = []
    begin = time.perf_counter()
    with evaluation_mode(module):
        for attempt in range(WARM + TRIES):
            start = time.perf_counter()
            module(sample)
            if sample.device.type == "cuda":
                torch.cuda.synchronize()
            if attempt >= WARM:
                times.append(time.perf_counter() - start)
            if times and time.perf_counter() - begin > SECONDS:
                break
    return statistics.median(times)
