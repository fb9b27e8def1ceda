"""Events that `fit` yields: small frozen records. Steps and epochs count from 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MEASURES = ("update_ratio", "activation_mean", "activation_variance", "dead_units")
"""update_ratio: norm of a layer's parameter update divided by the norm of its parameters before the step.
activation_mean, activation_variance: over all outputs of the layer for the batch, after its activation.
dead_units: fraction of its ReLU units (channels, features) that are zero for every sample of the batch.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """Optimizer steps were completed (yielded every `log_every` steps, about 2,000 times per run at most).

    `loss` is the mean batch loss since the previous Step event; `seconds` is training time without pauses.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    samples: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Gradients:
    """Gradient norm (L2) of each layer (weight and bias together) at one step, before clipping.

    `measures` holds the other per-layer quantities named in `MEASURES`, None where undefined. It is empty at steps
    where a tiny network records gradient norms only.
    """

    step: int
    norms: tuple[float, ...]
    measures: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch was completed and validated; `metrics` has keys `train_loss`, `validation_loss`, ..."""

    step: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    is_best: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """Training ended: all epochs are done, or early stopping."""

    step: int
    epoch: int
    early: bool


Event = Step | Gradients | Epoch | Finished
