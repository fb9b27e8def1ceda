"""How thoroughly a picture is explained: as much as a network of that size can do on one core in a few seconds."""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

MAP, TEST = 20e9, 40e9
"""Multiply-adds that one map may cost, and that all tests of it may: about one and two seconds on one core."""
BACKWARD = 3
"""A step with its gradient costs so many answers."""


@dataclass(frozen=True)
class ComputeBudget:
    """steps of integrated gradients; places of the occluding window; draws of random weights; points of the deletion
    curve, and random orders beside it. `full` is false where the network's size made them fewer."""

    steps: int
    places: int
    draws: int
    points: int
    orders: int
    full: bool


FULL = ComputeBudget(steps=64, places=225, draws=3, points=20, orders=5, full=True)


def multiply_adds(module: nn.Module, inputs: Tensor) -> int:
    """Of one answer for one sample of `inputs` (N, ...); counted on a copy."""
    own = copy.deepcopy(module).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        own(inputs[:1])
    return int(counter.get_total_flops()) // 2  # it counts a multiplication and an addition as two


def budget_for(cost: int) -> ComputeBudget:
    """What is affordable where one answer costs so many multiply-adds; the same on every machine."""
    answers = MAP / max(1, cost)
    steps = _within(answers / BACKWARD, 16, FULL.steps)
    places = _within(answers, 49, FULL.places)
    tests = TEST / max(1, cost)
    draws = _within(0.5 * tests / (BACKWARD * steps), 1, FULL.draws)
    points = _within(0.25 * tests / 2, 8, FULL.points)
    orders = _within(0.25 * tests / points - 1, 1, FULL.orders)
    found = ComputeBudget(steps, places, draws, points, orders, True)
    return found if found == FULL else ComputeBudget(steps, places, draws, points, orders, False)


def _within(value: float, low: int, high: int) -> int:
    return int(min(high, max(low, value)))
