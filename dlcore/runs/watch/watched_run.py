"""A training loop of a script or notebook as a run of the workbench: `dlcore.watch`."""

import contextlib
import dataclasses
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

import dlcore.runs.local_store as local_store
from dlcore.core.errors import RequestError, one_line
from dlcore.projects import watched
from dlcore.projects.run_config import RunConfig
from dlcore.runs import training_checks
from dlcore.runs.folder import RunFolder
from dlcore.runs.lifecycle import update_state, write_state
from dlcore.runs.metric_log import FolderMetricLog, GradientLog
from dlcore.runs.record import Best, Record, State
from dlcore.runs.watch import results
from dlcore.runs.watch.step_probe import StepProbe
from dlcore.runs.worker import liveness
from dlcore.training.state import count_parameters

Validation = Callable[[], Mapping[str, float]] | Iterable[tuple[Any, Any]] | tuple[Tensor, Tensor]
"""Metrics, batches of (inputs, targets), or one pair of inputs and targets."""
NAMES = {
    "loss": "batch_loss",
    "lr": "learning_rate",
    "val_loss": "validation_loss",
    "val_accuracy": "validation_accuracy",
    "val_acc": "validation_accuracy",
    "accuracy": "train_accuracy",
    "acc": "train_accuracy",
}
"""Names of other libraries -> names of the workbench's curves."""
LOGGED_ROWS = 2000
"""Rows of the loss after which only every second one is written; then every fourth, and so on."""
PROBED_SHARE = 0.005
"""Largest share of the loop's time that goes into measuring steps."""
FLUSH_SECONDS = 0.5
_LONGEST_NAME = 80


class WatchedRun:
    """A run that a loop outside the workbench logs to; see `watch`. Use it in a `with` block, or call `finish`."""

    def __init__(self, module: nn.Module, config: RunConfig, *, epochs: int, validation: Validation | None) -> None:
        self.module, self.config, self.validation = module, config, validation
        parameters, trainable = _count(module)
        record = Record.from_config(
            uuid.uuid4().hex, config, created=time.time(), parameters=parameters, trainable=trainable
        )
        with local_store.new_folder(config) as folder:
            self.folder: RunFolder = folder
            fields = record.as_state() | {"state": "running", "epochs": epochs, "device": _device(module)}
            liveness.sign_in(folder, uuid.uuid4().hex)
            update_state(folder, **fields)
        self.step, self.epoch, self._epochs = 0, 0, epochs
        self.best: Best | None = None
        self._log = FolderMetricLog(self.folder)
        self._log.start(0)
        self._gradients: GradientLog | None = None
        self._probe = StepProbe(module)
        self._began = self._flushed = self._logged = time.perf_counter()
        self._interval = 0.0  # mean seconds between calls of `log` without a measured step
        self._probed_until, self._probe_seconds = 0.0, float("inf")
        self._losses: list[float | Tensor] = []
        self._epoch_sum, self._epoch_count = 0.0, 0
        self._every = self._rows = 1
        self._is_validated_in_training_mode = False
        self._state: State = "running"
        self._probe.arm()

    @property
    def run_id(self) -> str:
        """Id of the run: `dlcore.load` and the page Watched runs open it."""
        return self.folder.run_id

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self._state == "running"

    def log(self, *, step: int | None = None, epoch: int | None = None, **values: float | Tensor) -> None:
        """Log scalars after an optimizer step. Each call with `loss` is one step, unless `step` says which.

        `epoch` ends that epoch: metrics such as `validation_loss` belong to it, `train_loss` is added, the validation
        is measured if `watch` has one that returns metrics. The first `validation_loss` that is lowest is the best.

        Raises:
            StoreError: the folder of the run cannot be written.
        """
        loss = values.pop("loss", None)
        self.step = step if step is not None else self.step + (loss is not None)
        if loss is not None:
            self._losses.append(loss.detach() if isinstance(loss, Tensor) else loss)
            if len(self._losses) >= self._every:
                self._write_loss()
        if epoch is not None:
            self._end_epoch(epoch, _rename(values))
        elif values:
            self._log.log(self.step, _rename(values))
        now = time.perf_counter()
        interval, self._logged = now - self._logged, now
        if measured := self._probe.take():
            self._write_gradients(*measured)
            added = max(self._probe.seconds, interval - self._interval)  # its hooks also slow the forward pass
            cost = added + time.perf_counter() - now
            self._probe_seconds = min(self._probe_seconds, cost)  # the first includes a warm-up
            pause = max(self._probe_seconds / PROBED_SHARE, (now - self._began) / LOGGED_ROWS)
            self._probed_until = time.perf_counter() + pause
        elif now > self._probed_until:
            self._probe.arm()
        elif not self._probe.is_armed:
            self._interval += 0.1 * (interval - self._interval)

    def finish(
        self,
        scores: Any = None,
        targets: Any = None,
        *,
        labels: Iterable[str] = (),
        ids: Any = None,
        validation_scores: Any = None,
        validation_targets: Any = None,
    ) -> None:
        """End the run. With predictions it gets the panels of an evaluation.

        Parameters:
            scores, targets: probabilities or logits (N, K) with class numbers (N,), or values (N,) with targets (N,),
                of test samples. Without them, those of the module on the `validation` batches of `watch`.
            labels: K names of classes.
            ids: (N,) numbers that identify the samples; runs are compared sample by sample if they agree.
            validation_scores, validation_targets: the same for validation samples: they choose the threshold of two
                classes and the temperature of the calibration.

        Raises:
            RequestError: the shapes do not fit, or the run has ended.
        """
        if self._state != "running":
            raise RequestError(f"run {self.run_id} is {self._state}: `watch` starts another.")
        split = "test"
        if scores is None and not callable(self.validation) and self.validation is not None:
            scores, targets = results.predict(self.module, self.validation)
            split = "validation"
        if scores is not None:
            predictions = results.collect(scores, targets, ids=ids)
            if validation_scores is not None:
                predictions |= results.collect(validation_scores, validation_targets, split="validation")
            self._flush()
            metrics = results.write(
                self.folder,
                self.config,
                predictions,
                record=self.record(),
                module=self.module,
                labels=tuple(map(str, labels)),
                split=split,
            )
            self._log.update({"metrics": metrics})
        self._close("finished")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._state != "running":
            return
        if error is None:
            self.finish()
        elif isinstance(error, KeyboardInterrupt):
            self._close("stopped", f"stopped at step {self.step}")
        else:
            self._close("failed", f"code: {type(error).__name__}: {one_line(error)[:500]}")

    def record(self) -> Record:
        """Return the run as its bundle stores it."""
        self._flush()
        parameters, trainable = _count(self.module)
        record = Record.from_config(
            self.run_id,
            self.config,
            state="finished",
            epoch=self.epoch,
            step=self.step,
            best=self.best,
            duration_s=time.perf_counter() - self._began,
            steps_per_epoch=self._steps_per_epoch(),
            parameters=parameters,
            trainable=trainable,
        )
        return dataclasses.replace(record, epochs=max(self.epoch, 1), device=_device(self.module))

    def _end_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        self._write_loss()
        if "train_loss" not in metrics and self._epoch_count:
            metrics["train_loss"] = self._epoch_sum / self._epoch_count
        self._epoch_sum, self._epoch_count = 0.0, 0
        if callable(self.validation):
            metrics |= _rename(self._validate(self.validation))
        self.epoch = epoch
        monitored = metrics.get("validation_loss")
        if monitored is not None and (self.best is None or monitored < self.best.value):
            self.best = Best(epoch, "validation_loss", monitored)
        self._log.log(self.step, metrics)
        self._log.update({"metrics": metrics, **self._progress()})
        with contextlib.suppress(OSError):
            self._write_checks()

    def _validate(self, validation: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        """Measure the validation, and note the mode of the network."""

        def note(module: nn.Module, _: Any) -> None:
            self._is_validated_in_training_mode = module.training

        handle = self.module.register_forward_pre_hook(note)
        try:
            return validation()
        finally:
            handle.remove()

    def _write_checks(self) -> None:
        probe = self._probe
        training_checks.write_loop(
            self.folder,
            kept_gradients=float(np.mean(probe.has_stale_gradients)) if probe.has_stale_gradients else 0.0,
            is_softmax=probe.is_softmax,
            validation_in_training_mode=self._is_validated_in_training_mode and _has_modes(self.module),
            dropout=max((part.p for part in self.module.modules() if isinstance(part, nn.Dropout)), default=0.0),
        )

    def _write_loss(self) -> None:
        """Write the mean of the losses since the last row; a GPU's losses are copied together."""
        if not self._losses:
            return
        on_gpu = [loss for loss in self._losses if isinstance(loss, Tensor) and loss.device.type != "cpu"]
        values = [float(loss) for loss in self._losses if not isinstance(loss, Tensor) or loss.device.type == "cpu"]
        if on_gpu:
            values += torch.stack([loss.reshape(()) for loss in on_gpu]).tolist()
        self._losses = []
        mean = sum(values) / len(values)
        self._epoch_sum, self._epoch_count = self._epoch_sum + sum(values), self._epoch_count + len(values)
        seconds = time.perf_counter() - self._began
        self._log.log(self.step, {"batch_loss": mean, "elapsed_s": seconds})
        self._rows += 1
        if self._rows % LOGGED_ROWS == 0:
            self._every *= 2
        if time.perf_counter() - self._flushed > FLUSH_SECONDS:
            self._flushed = time.perf_counter()
            self._log.update(self._progress())

    def _write_gradients(self, norms: tuple[float, ...], measures: dict[str, Any]) -> None:
        layers = tuple(self._probe.layers)
        if self._gradients is None or self._gradients.layers != layers:
            self._gradients = GradientLog(self.folder.gradients, layers, step=self.step)
        self._gradients.add(self.step, norms, measures)

    def _progress(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "epoch": self.epoch,
            "epochs": max(self._epochs, self.epoch),
            "duration_s": time.perf_counter() - self._began,
            "steps_per_epoch": self._steps_per_epoch(),
            "best": None if self.best is None else vars(self.best),
        }

    def _steps_per_epoch(self) -> int:
        return max(1, round(self.step / self.epoch)) if self.epoch else max(1, self.step)

    def _flush(self) -> None:
        self._write_loss()
        if self._gradients is not None:
            self._gradients.flush()
        self._log.update(self._progress())
        self._log.flush()

    def _close(self, state: State, reason: str = "") -> None:
        self._state = state
        self._probe.close()
        with contextlib.suppress(Exception):  # the loop has ended: what could not be written is lost, not the loop
            self._flush()
            self._write_checks()
        self._log.close()
        write_state(self.folder, state, reason)


def watch(
    module: nn.Module,
    *,
    project: str = "watched loop",
    name: str = "",
    validation: Validation | None = None,
    epochs: int = 0,
    hyperparameters: Mapping[str, str | float | bool] | None = None,
) -> WatchedRun:
    """Start a run of a loop outside the workbench; see `dlcore.watch`."""
    options = watched.Hyperparameters.model_validate(_check_hyperparameters(hyperparameters or {}))
    config = RunConfig(
        project=watched.SLUG,
        model=(name or type(module).__name__)[:_LONGEST_NAME],
        dataset=project[:_LONGEST_NAME] or "watched loop",
        preset="",
        device="cpu",
        model_options=options,
    )
    return WatchedRun(module, config, epochs=epochs, validation=validation)


def _has_modes(module: nn.Module) -> bool:
    """Return whether training mode changes the outputs: the network has dropout or batch normalization."""
    kinds = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)
    return any(isinstance(part, kinds) for part in module.modules())


def _rename(values: Mapping[str, float | Tensor]) -> dict[str, float]:
    """Return metrics as numbers, under the names of the workbench's curves."""
    return {
        NAMES.get(name, name): float(value.detach() if isinstance(value, Tensor) else value)
        for name, value in values.items()
    }


def _check_hyperparameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return hyperparameters as JSON has them; others become text."""
    return {
        str(name): value if isinstance(value, bool | int | float | str) else str(value)[:200]
        for name, value in values.items()
    }


def _count(module: nn.Module) -> tuple[int, int]:
    """Return parameters and, unless that is all, the trainable ones; a lazy module has none yet."""
    try:
        parameters, trainable = count_parameters(module)
    except (RuntimeError, ValueError):
        return 0, 0
    return parameters, trainable if trainable < parameters else 0


def _device(module: nn.Module) -> str:
    return str(next((parameter.device for parameter in module.parameters()), "cpu"))
