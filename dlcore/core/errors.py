"""One tree of errors. A message is one line that says what was wrong, where, and what to do next."""

from typing import Literal

Reason = Literal["out of memory", "bad data", "not finite", "disk full", "code"]
"""Why a run failed, as the store keeps it and the pages show it."""


class WorkbenchError(Exception):
    """Anything the workbench knows how to say in one line. The command line exits with 1."""

    reason: Reason = "code"


class RequestError(WorkbenchError):
    """A request that cannot be met as it was put. The command line exits with 2."""


class ConfigError(RequestError):
    """A setting that is unknown or out of bounds; names the setting, its bounds and what was given."""


class DataError(RequestError):
    """Data that cannot be used; names the file or column, the row where there is one, and the reason."""

    reason: Reason = "bad data"


class DataMissingError(DataError):
    """A dataset that is known but not on this machine; `dataset` is its name."""

    def __init__(self, dataset: str, message: str) -> None:
        self.dataset = dataset
        super().__init__(message)


class DeviceError(RequestError):
    """A device that is not here."""


class RunError(RequestError):
    """A run that does not exist, is in the wrong state, or a bundle that cannot be read."""


class StoreError(WorkbenchError):
    """The place where runs live cannot be written or read (full disk, read-only folder)."""

    reason: Reason = "disk full"


class TrainingError(WorkbenchError):
    """Training could not go on."""


class NotFiniteError(TrainingError):
    """The loss or a weight became infinite or not a number.

    Attributes:
        step: the optimiser step, counted from 1, at which it was seen.
        layer: the first layer, in forward order, that held or gave such a value.
    """

    reason: Reason = "not finite"

    def __init__(self, step: int, layer: str, detail: str) -> None:
        self.step = step
        self.layer = layer
        super().__init__(
            f"Not a finite number at step {step}, layer '{layer}': {detail}. "
            "Lower the learning rate or clip the gradient, then fork this run."
        )


class OutOfMemoryError(TrainingError):
    """The device's memory did not suffice."""

    reason: Reason = "out of memory"

    def __init__(self, batch_size: int, device: str) -> None:
        self.batch_size = batch_size
        super().__init__(
            f"Out of memory on {device} at batch size {batch_size}: "
            f"retry with half the batch (batch_size={max(1, batch_size // 2)})."
        )


def one_line(error: BaseException) -> str:
    """The error's message on one line; its class's name where it has no message."""
    return " ".join(str(error).split()) or type(error).__name__
