"""Compute budget of an explanation: what one core computes in a few seconds for a network of that size."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

MAP_COST, CHECKS_COST = 20e9, 40e9
"""Multiply-adds of one map, and of all its sanity checks: about one and two seconds on one core."""
BACKWARD = 3
"""Cost of a step with its gradient, in forward passes."""


@dataclass(frozen=True)
class ComputeBudget:
    """Steps of integrated gradients; places of the occlusion window; draws of random weights; points of the deletion
    curve and its random orders. `full` is false where the network's size reduced them."""

    steps: int
    places: int
    draws: int
    points: int
    orders: int
    full: bool


FULL = ComputeBudget(steps=64, places=225, draws=3, points=20, orders=5, full=True)


def multiply_adds(module: nn.Module, inputs: Tensor) -> int:
    """Return the multiply-adds of one forward pass for one sample of `inputs` (N, ...); counted on a copy."""
    network = copy.deepcopy(module).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        network(inputs[:1])
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two


def budget_for(cost: int) -> ComputeBudget:
    """Return the budget for a network whose forward pass takes `cost` multiply-adds; the same on every machine."""
    passes = MAP_COST / max(1, cost)
    steps = _clamp(passes / BACKWARD, 16, FULL.steps)
    places = _clamp(passes, 49, FULL.places)
    check_passes = CHECKS_COST / max(1, cost)
    draws = _clamp(0.5 * check_passes / (BACKWARD * steps), 1, FULL.draws)
    points = _clamp(0.25 * check_passes / 2, 8, FULL.points)
    orders = _clamp(0.25 * check_passes / points - 1, 1, FULL.orders)
    budget = ComputeBudget(steps, places, draws, points, orders, True)
    return budget if budget == FULL else ComputeBudget(steps, places, draws, points, orders, False)


def _clamp(value: float, low: int, high: int) -> int:
    return int(min(high, max(low, value)))
