"""Training loop of a model without trainable weights: one epoch that measures it."""

import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from dlcore.training.config import TrainingConfig
from dlcore.training.events import Epoch, Event, Finished
from dlcore.training.fit import Validation
from dlcore.training.progress import COUNTERS, Progress


class FitOnce(Progress):
    """`TrainingLoop` of a module that was fitted when it was built (`Prepared.start`), such as stored patterns."""

    def __init__(self, module: nn.Module, config: TrainingConfig) -> None:
        super().__init__(config, steps_per_epoch=1)
        self.module, self.steps = module, 1
        self.layers: list[str] = []

    def events(self, validation: Validation) -> Iterator[Event]:
        """Yield one epoch with the validation metrics."""
        if self.epoch > 1:
            yield Finished(1, 1, early=False)
            return
        begin = time.perf_counter()
        self.module.eval()
        with torch.no_grad():
            metrics = validation.measure(self.module)
        self.step = self.batch = 1
        self.best_value, self.best_epoch = metrics[validation.metric], 1
        self.seconds += time.perf_counter() - begin
        self.next_epoch()
        yield Epoch(1, 1, metrics, self.seconds, is_best=True)
        yield Finished(1, 1, early=False)

    def snapshot(self) -> dict[str, Any]:
        """Return the counters and the module's arrays."""
        return {"progress": {name: getattr(self, name) for name in COUNTERS}, "module": self.module.state_dict()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Restore a snapshot."""
        for name in COUNTERS:
            setattr(self, name, snapshot["progress"][name])
        self.module.load_state_dict(snapshot["module"])

    def load_best(self) -> None:
        """Do nothing: there is one epoch."""
