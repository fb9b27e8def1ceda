"""Decides when to write a checkpoint, so that a killed run loses little and a fast one spends little time on them."""

import os
import time
from pathlib import Path

from dlcore.runs.metric_log import GradientLog, MetricLog
from dlcore.runs.worker import checkpoints
from dlcore.training.state import TrainingState
from dlcore.training.training_loop import TrainingLoop

CHECKPOINT_SECONDS = 30.0
"""Longest time between two checkpoints; `DLCORE_CHECKPOINT_SECONDS` sets it."""
EPOCH_SECONDS = 1.0
"""Shorter epochs share a checkpoint."""
POLL_SECONDS = 0.05
"""Shortest time between two polls for commands: a step of a small model takes less than a poll."""
LOCKED_SECONDS = 5.0
"""Time to the next attempt of a checkpoint if another program locked the logs."""
CHECKPOINT_SHARE = 0.05
"""Largest share of the time spent on checkpoints."""


class CheckpointScheduler:
    """Writes checkpoints when they are due, always after the logs of the steps before."""

    def __init__(
        self,
        state: TrainingState | TrainingLoop,
        folder: Path | None,
        *,
        logs: tuple[MetricLog, GradientLog],
        is_alone: bool,
    ) -> None:
        """`folder` None writes none; `logs` are flushed before; `is_alone`: no other process trains the same run."""
        self.state, self.folder, self.logs, self.is_alone = state, folder, logs, is_alone
        self.every = float(os.environ.get("DLCORE_CHECKPOINT_SECONDS", CHECKPOINT_SECONDS))
        self.polled = self.locked_until = 0.0
        self.saved_at, self.cost, self.position = time.monotonic(), 0.0, (-1, -1)

    def must_poll(self) -> bool:
        """Whether it is time to poll for commands and checkpoints; several processes must poll at the same events."""
        now = time.monotonic()
        if now - self.polled < POLL_SECONDS and self.is_alone:
            return False
        self.polled = now
        return True

    def is_due(self, *, epoch_end: bool = False) -> bool:
        """Whether enough time has passed since the last checkpoint."""
        every = min(self.every, EPOCH_SECONDS) if epoch_end else self.every
        if time.monotonic() < self.locked_until:
            return False
        return time.monotonic() - self.saved_at >= max(every, self.cost / CHECKPOINT_SHARE)

    def save(self, *, force: bool = False, epoch_end: bool = False) -> None:
        """Write a checkpoint if one is due, or at once with `force`."""
        position = (self.state.step, self.state.epoch)
        if self.folder is None or position == self.position or not (force or self.is_due(epoch_end=epoch_end)):
            return
        begin = time.monotonic()
        if not self._flush_logs(wait=force):
            self.locked_until = time.monotonic() + LOCKED_SECONDS
            return
        checkpoints.save(self.folder, self.state.snapshot(), step=self.state.step)
        self.saved_at = time.monotonic()
        self.cost, self.position = self.saved_at - begin, position

    def _flush_logs(self, *, wait: bool) -> bool:
        """Write the logs; False if another program locks them, unless the checkpoint must `wait` for them."""
        metric_log, gradients = self.logs
        if wait:
            metric_log.flush()
        elif not metric_log.try_flush():
            return False
        gradients.flush()
        return True
