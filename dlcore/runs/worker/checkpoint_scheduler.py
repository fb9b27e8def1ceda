"""When a run's state is written down as a checkpoint, so that a killed run loses little and a quick one no time."""

import os
import time
from pathlib import Path

from dlcore.runs.metric_log import GradientLog, MetricLog
from dlcore.runs.worker import checkpoints
from dlcore.training.state import TrainingState
from dlcore.training.training_loop import TrainingLoop

CHECKPOINT_SECONDS = 30.0
"""A checkpoint at least so often; `DLCORE_CHECKPOINT_SECONDS` sets it."""
EPOCH_SECONDS = 1.0
"""Epochs shorter than this share a checkpoint."""
LOOK_SECONDS = 0.05
"""Wishes are looked for so often: a step of a small model takes less than looking does."""
CHECKPOINT_SHARE = 0.05
"""At most so much of the time goes into checkpoints."""


class CheckpointScheduler:
    """Decides when a checkpoint is due and writes it, always after the numbers that belong before it."""

    def __init__(
        self,
        state: TrainingState | TrainingLoop,
        folder: Path | None,
        *,
        numbers: tuple[MetricLog, GradientLog],
        alone: bool,
    ) -> None:
        """`folder` None keeps none; `numbers` are flushed before; `alone`: no other process trains the same run."""
        self.state, self.folder, self.numbers, self.alone = state, folder, numbers, alone
        self.every = float(os.environ.get("DLCORE_CHECKPOINT_SECONDS", CHECKPOINT_SECONDS))
        self.looked = 0.0
        self.last, self.cost, self.at = time.monotonic(), 0.0, (-1, -1)

    def shall_look(self) -> bool:
        """Whether it is time to look for wishes and checkpoints; several processes must all look at the same events."""
        now = time.monotonic()
        if now - self.looked < LOOK_SECONDS and self.alone:
            return False
        self.looked = now
        return True

    def is_due(self, *, epoch_end: bool = False) -> bool:
        """Whether enough time went by since the last one."""
        every = min(self.every, EPOCH_SECONDS) if epoch_end else self.every
        return time.monotonic() - self.last >= max(every, self.cost / CHECKPOINT_SHARE)

    def keep(self, *, force: bool = False, epoch_end: bool = False) -> None:
        """Write a checkpoint if one is due, or at once with `force`."""
        at = (self.state.step, self.state.epoch)
        if self.folder is None or at == self.at or not (force or self.is_due(epoch_end=epoch_end)):
            return
        begin = time.monotonic()
        for each in self.numbers:
            each.flush()
        checkpoints.save(self.folder, self.state.snapshot(), step=self.state.step)
        self.last = time.monotonic()
        self.cost, self.at = self.last - begin, at
