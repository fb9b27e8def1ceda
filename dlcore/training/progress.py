"""Position of a training run: steps, epochs, running sums since the last event, and the best epoch so far."""

import math
from typing import Literal

from dlcore.training.config import TrainingConfig

LOGGED_STEPS = 2000
"""Approximate maximum of `Step` events per run: enough for every pixel of a curve."""
LOGGED_GRADIENTS = 500

COUNTERS = (
    "step",
    "batch",
    "epoch",
    "seconds",
    "loss_sum",
    "correct",
    "samples",
    "window",
    "stale",
    "best_epoch",
    "best_value",
)


class Progress:
    """Counters shared by all training loops; plain numbers, so a snapshot is a dict of them."""

    def __init__(self, config: TrainingConfig, *, steps_per_epoch: int) -> None:
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.steps = steps_per_epoch * config.epochs
        self.log_every = max(1, -(-self.steps // LOGGED_STEPS))
        self.gradient_every = max(config.gradient_every, self.steps // LOGGED_GRADIENTS) if config.gradient_every else 0
        self.step = self.batch = 0  # steps in total, batches in this epoch
        self.epoch = 1  # the current epoch, counted from 1
        self.seconds = 0.0
        self.loss_sum = self.correct = 0.0  # over this epoch's samples
        self.samples = 0
        self.window: list[float] = []  # losses since the last Step event
        self.stale = 0  # epochs since the best one
        self.best_epoch = 0
        self.best_value = 0.0

    def is_better(self, value: float, mode: Literal["min", "max"]) -> bool:
        """Return whether this epoch's value is the best so far; counts the epochs without improvement."""
        self.stale += 1
        better = value < self.best_value if mode == "min" else value > self.best_value
        return (better or self.best_epoch == 0) and math.isfinite(value)

    def next_epoch(self) -> None:
        """Advance to the next epoch."""
        self.epoch += 1
        self.batch = self.samples = 0
        self.loss_sum = self.correct = 0.0

    @property
    def exhausted(self) -> bool:
        """Return whether early stopping applies."""
        return 0 < self.config.patience <= self.stale
