"""Choose the numeric precision of a run: time a few steps in 32 bits and in bf16 on its own batch, take the faster.

bf16 means autocast with channels-last convolutions, as `training.state` trains. Evaluation is in 32 bits either way.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from dlcore.core import seeds
from dlcore.data.batches import Batches
from dlcore.inference.predict import evaluation_mode
from dlcore.training import optimizers
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective
from dlcore.training.state import BF16, FP32, channels_last, count_parameters

RUN_FLOPS, STEP_FLOPS, PARAMETERS = 2e13, 1e9, 20_000
"""A run, a step or a network below these is trained in 32 bits without timing: it ends within a minute or two, or its
steps are too short to gain. They are counted, not timed, so that a small run is the same on every machine.
"""
GAIN = 1.1
"""bf16 must be faster by this factor."""
SECONDS, ROUNDS = 1.5, 5
"""Timing ends after these rounds, or the round in which this time has passed; the first round warms up."""
TRAINING_COST = 3
"""A training step in forward passes: backward computes gradients of inputs and of weights."""
COUNTED_ROWS = 2


@dataclass(frozen=True)
class PrecisionChoice:
    """The precision of a run, and in one line why; an empty `reason` means that the run is too small to choose."""

    precision: str
    reason: str = ""


def choose_precision(
    module: nn.Module, config: TrainingConfig, batches: Batches, objective: Objective
) -> PrecisionChoice:
    """Return the faster precision. Module and random generators are as before; the module is on its training device.

    Timing costs `SECONDS`, or two steps of each form if they take longer.
    """
    if count_parameters(module)[1] < PARAMETERS:
        return PrecisionChoice(FP32)
    before = seeds.capture()
    try:
        batch = next(iter(batches.epoch(1)))
        if not is_large(module, batch, samples=len(batches.split) * config.epochs):
            return PrecisionChoice(FP32)
        if not has_fast_bf16(batches.device):
            return PrecisionChoice(FP32, "this device has no fast bf16")
        return compare_steps(module, config, batch, objective)
    except Exception as error:  # an operation has no bf16 form: training must not fail of it
        return PrecisionChoice(FP32, f"bf16 failed ({type(error).__name__})")
    finally:
        seeds.restore(before)


def is_large(module: nn.Module, batch: tuple[tuple[Tensor, ...], Tensor], *, samples: int) -> bool:
    """Return whether a step, and a training on this many samples in all, have enough operations to be timed."""
    inputs, targets = batch
    try:
        per_sample = TRAINING_COST * count_flops(module, inputs)
    except Exception:  # a network that needs whole batches, or computes outside torch
        return False
    return per_sample * len(targets) >= STEP_FLOPS and per_sample * samples >= RUN_FLOPS


def count_flops(module: nn.Module, inputs: tuple[Tensor, ...]) -> float:
    """Return the operations of a prediction per sample, from a pass over the first rows of a batch.

    torch does not count recurrent layers: two operations for each weight and token.
    """
    rows, recurrent = tuple(part[:COUNTED_ROWS] for part in inputs), 0

    def count(layer: nn.Module, values: tuple[Any, ...], _: object) -> None:
        nonlocal recurrent
        tokens = values[0].data if isinstance(values[0], nn.utils.rnn.PackedSequence) else values[0]
        recurrent += 2 * count_parameters(layer)[0] * math.prod(tokens.shape[:-1])

    handles = [part.register_forward_hook(count) for part in module.modules() if isinstance(part, nn.RNNBase)]
    counter = FlopCounterMode(display=False)
    try:
        with counter, evaluation_mode(module):
            module(*rows)
    finally:
        for handle in handles:
            handle.remove()
    return (counter.get_total_flops() + recurrent) / max(1, len(rows[0]))


def has_fast_bf16(device: torch.device) -> bool:
    """Return whether the device multiplies bf16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def compare_steps(
    module: nn.Module, config: TrainingConfig, batch: tuple[tuple[Tensor, ...], Tensor], objective: Objective
) -> PrecisionChoice:
    """Time steps of both forms in turn, so that a change of load affects both, and compare the fastest ones."""
    forms = {form: _steps(module, config, batch, objective, is_bf16=form == BF16) for form in (FP32, BF16)}
    seconds = dict.fromkeys(forms, math.inf)
    begin = time.perf_counter()
    for number in range(1 + ROUNDS):
        for form, steps in forms.items():
            start = time.perf_counter()
            next(steps)
            if number:
                seconds[form] = min(seconds[form], time.perf_counter() - start)
        if number and time.perf_counter() - begin > SECONDS:
            break
    fp32, bf16 = (_format(seconds[form]) for form in (FP32, BF16))
    is_faster = seconds[FP32] > GAIN * seconds[BF16]
    return PrecisionChoice(BF16 if is_faster else FP32, f"a step takes {bf16} in bf16, {fp32} in 32 bits")


def _steps(
    module: nn.Module,
    config: TrainingConfig,
    batch: tuple[tuple[Tensor, ...], Tensor],
    objective: Objective,
    *,
    is_bf16: bool,
) -> Iterator[None]:
    """Yield after each step of a copy of the module."""
    network, (inputs, targets) = copy.deepcopy(module), batch
    if is_bf16:
        channels_last(network)
    optimizer, kind = optimizers.create(network, config), targets.device.type
    synchronize: Callable[[], None] = torch.cuda.synchronize if kind == "cuda" else lambda: None
    network.train()
    while True:
        with torch.autocast(kind, torch.bfloat16, enabled=is_bf16):
            outputs = network(*inputs)
        loss = objective.loss(outputs.float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        synchronize()
        yield


def _format(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"
