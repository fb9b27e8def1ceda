"""Callback for Lightning: `Trainer(callbacks=[LightningCallback(project="my loop")])`."""

import contextlib
from typing import Any

from torch import Tensor

from dlcore.runs.watch.watched_run import WatchedRun, watch

Base: type = object
with contextlib.suppress(ImportError):
    from pytorch_lightning import Callback as Base  # type: ignore[no-redef]
with contextlib.suppress(ImportError):
    from lightning.pytorch import Callback as Base  # type: ignore[no-redef]


class LightningCallback(Base):
    """Logs the loss of every batch and what the module logs with `self.log`, per epoch."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of `dlcore.watch`."""
        super().__init__()
        self.options = options
        self.run: WatchedRun | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Start a run."""
        defaults: dict[str, Any] = {
            "epochs": trainer.max_epochs or 0,
            "hyperparameters": dict(getattr(pl_module, "hparams", {})),
        }
        self.run = watch(pl_module, **(defaults | self.options))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Log the loss."""
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if self.run is not None and isinstance(loss, Tensor):
            self.run.log(loss=loss, step=trainer.global_step)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log what the module logged."""
        if self.run is not None and not getattr(trainer, "sanity_checking", False):
            logged = {str(name): value for name, value in trainer.callback_metrics.items()}
            metrics = {name: value for name, value in logged.items() if name.isidentifier() and name != "loss"}
            self.run.log(epoch=trainer.current_epoch + 1, step=trainer.global_step, **metrics)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """End the run; call `run.finish` before for its evaluation."""
        if self.run is not None and self.run.is_open:
            self.run.finish()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End the run with the error."""
        if self.run is not None:
            self.run.__exit__(type(exception), exception, None)
