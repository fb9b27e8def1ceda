"""Callback for the Trainer of Transformers: `Trainer(..., callbacks=[HuggingFaceCallback(project="my loop")])`."""

from typing import Any

from transformers import TrainerCallback

from dlcore.runs.watch.watched_run import WatchedRun, watch


class HuggingFaceCallback(TrainerCallback):
    """Logs what the trainer logs: the loss every `logging_steps`, metrics of an evaluation with their epoch."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of `dlcore.watch`."""
        self.options = options
        self.run: WatchedRun | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Start a run."""
        settings = {"learning_rate": args.learning_rate, "batch_size": args.per_device_train_batch_size}
        defaults: dict[str, Any] = {"epochs": int(args.num_train_epochs), "hyperparameters": settings}
        self.run = watch(more["model"], **(defaults | self.options))

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Measure gradients and activations, at the cadence of `dlcore.watch`."""
        if self.run is not None:
            self.run.log(step=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Log losses and metrics."""
        if self.run is None or not logs:
            return
        values = {
            name.replace("eval_", "val_"): value for name, value in logs.items() if isinstance(value, int | float)
        }
        epoch = values.pop("epoch", None)
        is_evaluated = "val_loss" in values
        named = {name: value for name, value in values.items() if name.isidentifier()}
        self.run.log(step=state.global_step, epoch=round(epoch) if epoch and is_evaluated else None, **named)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the run; call `run.finish` before for its evaluation."""
        if self.run is not None and self.run.is_open:
            self.run.finish()
