"""Learning-rate range test: the loss while the rate rises exponentially (Smith 2017, Cyclical learning rates)."""

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.training.fit import Batch

LOW, HIGH, STEPS = 1e-6, 3.0, 100
SMOOTHING = 0.9
"""Weight of the former losses in the moving average."""
DIVERGED = 3.0
"""The test ends where the smoothed loss exceeds its minimum by this factor of the fall so far."""
MARGIN = 4.0
"""The suggestion is at most the rate of the smallest loss divided by this."""


def sweep(
    module: nn.Module,
    batches: Iterable[Batch],
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimizer: Callable[[nn.Module], torch.optim.Optimizer],
    steps: int = STEPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Train a copy of the module on batches with rates from `LOW` to `HIGH`; return rates (n,) and batch losses (n,).

    The test ends early where the loss diverges. The module keeps its weights.
    """
    module = copy.deepcopy(module).train()
    trained = optimizer(module)
    shares = [float(group["lr"]) for group in trained.param_groups]
    top = max(shares) or 1.0
    rates: list[float] = []
    losses: list[float] = []
    for number, (inputs, targets) in zip(range(steps), batches, strict=False):
        rate = LOW * (HIGH / LOW) ** (number / max(1, steps - 1))
        for group, share in zip(trained.param_groups, shares, strict=True):
            group["lr"] = rate * share / top
        value: Any = loss(module(*inputs), targets)
        rates.append(rate)
        losses.append(float(value.item()))
        if not math.isfinite(losses[-1]) or _has_diverged(losses):
            break
        trained.zero_grad()
        value.backward()
        trained.step()
    return np.array(rates), np.array(losses)


def smooth(losses: np.ndarray) -> np.ndarray:
    """Return the exponential moving average of losses (n,), corrected for its start."""
    average, values = 0.0, []
    for number, loss in enumerate(losses, 1):
        average = SMOOTHING * average + (1 - SMOOTHING) * float(loss)
        values.append(average / (1 - SMOOTHING**number))
    return np.array(values)


def _has_diverged(losses: list[float]) -> bool:
    values = smooth(np.array(losses))
    if len(values) < 10:
        return False
    fall = max(float(values[:10].max() - values.min()), 0.1 * float(values[0]))
    return bool(values[-1] > values.min() + DIVERGED * fall)


def suggest_rate(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return the rate at which the smoothed loss falls fastest, but not close to that of its minimum.

    Non-finite losses at the end are ignored; with less than ten losses the smallest rate is returned.
    """
    usable = np.isfinite(losses)
    rates, losses = rates[usable], losses[usable]
    if len(rates) < 10:
        return float(rates[0]) if len(rates) else LOW
    values = smooth(losses)
    lowest = int(np.argmin(values))
    if lowest < 3:
        return float(rates[0])
    slopes = np.gradient(values, np.log(rates))[: lowest + 1]
    steepest = float(rates[int(np.argmin(slopes))])
    return min(steepest, float(rates[lowest]) / MARGIN)
