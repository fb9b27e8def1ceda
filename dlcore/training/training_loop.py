"""Protocol of a custom training loop."""

from collections.abc import Iterator
from typing import Any, Protocol

from torch import nn

from dlcore.training.events import Event
from dlcore.training.fit import Validation


class TrainingLoop(Protocol):
    """A training loop that replaces `fit`: it yields the same events and is consistent at each of them.

    `module` predicts with the current weights; `layers` are the layer names used in `Gradients` events; `snapshot`
    returns what `torch.load(weights_only=True)` reads. Its counters are those of `training.progress.Progress`.
    """

    module: nn.Module
    layers: list[str]
    step: int
    steps: int
    steps_per_epoch: int
    epoch: int
    seconds: float
    best_epoch: int
    best_value: float
    log_every: int
    gradient_every: int

    def events(self, validation: Validation) -> Iterator[Event]:
        """Train to the end of the config, yielding events."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Return everything needed to resume in another process."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Resume from a snapshot."""
        ...

    def load_best(self) -> None:
        """Load the best epoch's weights into the module."""
        ...
