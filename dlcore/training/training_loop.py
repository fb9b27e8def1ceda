"""What a run needs of that which it trains, whatever it computes with."""

from collections.abc import Iterator
from typing import Any, Protocol

from torch import nn

from dlcore.training.events import Event
from dlcore.training.fit import Validation


class TrainingLoop(Protocol):
    """A training of one's own in a run: it tells the same events as `fit` and is whole at each of them.

    `module` answers with the weights as they are; `layers` are the names by which `Gradients` events tell; `snapshot`
    gives what `torch.load(weights_only=True)` reads back. Its counters are those of `training.progress.Progress`.
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
        """Train from here to the end of the config."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """All that is needed to go on elsewhere."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        ...

    def load_best(self) -> None:
        """Put the best epoch's weights into the module."""
        ...
