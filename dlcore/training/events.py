"""What `fit` tells while it runs. Small frozen records; steps and epochs count from 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MEASURES = ("update_ratio", "activation_mean", "activation_variance", "dead_units")
"""update_ratio: length of the step's change of a layer's parameters over their length before it.
activation_mean, activation_variance: over all values that the layer puts out for the batch, after its activation.
dead_units: share of its ReLU's units (channels, features) that no sample of the batch made positive."""


@dataclass(frozen=True, slots=True)
class Step:
    """Some optimiser steps were done (every `log_every` steps, so that a run has at most about 2,000 of these).

    `loss` is the mean batch loss since the last such event; `seconds` is training time, pauses left out.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    samples: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Gradients:
    """Euclidean norm of the loss's gradient for each layer (weight and bias together) at one step, before clipping.

    `measures` holds what else was seen of each layer, by the names of `MEASURES`; None where it has no meaning. It is
    empty at the steps of a tiny network at which nothing else was looked at.
    """

    step: int
    norms: tuple[float, ...]
    measures: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch ended and was validated; `metrics` are keyed `train_loss`, `validation_loss`, ..."""

    step: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    is_best: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """Training came to its end: all epochs done, or stopped early for want of progress."""

    step: int
    epoch: int
    early: bool


Event = Step | Gradients | Epoch | Finished
