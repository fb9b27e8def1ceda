"""Callback for Keras 3 on torch: `model.fit(..., callbacks=[KerasCallback(project="my loop")])`."""

import contextlib
from typing import Any

from dlcore.runs.watch.watched_run import WatchedRun, watch

Base: type = object
with contextlib.suppress(ImportError):
    from keras.callbacks import Callback as Base  # type: ignore[no-redef]


class KerasCallback(Base):
    """Logs the loss of every batch, and the metrics of every epoch."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of `dlcore.watch`."""
        super().__init__()
        self.options = options
        self.run: WatchedRun | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Start a run. With the torch backend a Keras model is an `nn.Module`."""
        defaults: dict[str, Any] = {"epochs": int(self.params.get("epochs") or 0), "name": self.model.name}
        self.run = watch(self.model, **(defaults | self.options))

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Log the loss: Keras reports its mean since the start of the epoch."""
        if self.run is not None and logs and "loss" in logs:
            self.run.log(loss=float(logs["loss"]))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the metrics."""
        if self.run is not None:
            named = {name: float(value) for name, value in (logs or {}).items() if name.isidentifier()}
            metrics: dict[str, Any] = named
            metrics["train_loss"] = metrics.pop("loss", float("nan"))
            self.run.log(epoch=epoch + 1, **metrics)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """End the run; call `run.finish` before for its evaluation."""
        if self.run is not None and self.run.is_open:
            self.run.finish()
