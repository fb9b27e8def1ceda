"""Exception hierarchy. Every message is one line: what went wrong, where, and the next step."""

from typing import Literal

Reason = Literal["out of memory", "bad data", "not finite", "disk full", "code"]
"""Why a run failed, as stored with the run and shown on the pages."""


class WorkbenchError(Exception):
    """Base class of all expected errors. The command line exits with 1."""

    reason: Reason = "code"


class RequestError(WorkbenchError):
    """A request that cannot be met. The command line exits with 2."""


class ConfigError(RequestError):
    """An unknown or out-of-bounds setting."""


class DataError(RequestError):
    """Unusable data; the message names the file or column, the row if there is one, and the reason."""

    reason: Reason = "bad data"


class DataMissingError(DataError):
    """A known dataset that is not on this machine; `dataset` is its name."""

    def __init__(self, dataset: str, message: str) -> None:
        self.dataset = dataset
        super().__init__(message)


class DeviceError(RequestError):
    """The requested device is not available."""


class RunError(RequestError):
    """A run does not exist, is in the wrong state, or its bundle cannot be read."""


class StoreError(WorkbenchError):
    """The run store cannot be read or written (full disk, read-only folder)."""

    reason: Reason = "disk full"


class LockedError(StoreError):
    """Another program holds a file of the run store; the same request can be met later."""

    reason: Reason = "code"


class TrainingError(WorkbenchError):
    """Training could not continue."""


class NotFiniteError(TrainingError):
    """The loss or a weight became infinite or NaN.

    Attributes:
        step: optimizer step, counted from 1, at which it was detected.
        layer: first layer, in forward order, that held or returned such a value.
    """

    reason: Reason = "not finite"

    def __init__(self, step: int, layer: str, detail: str) -> None:
        self.step = step
        self.layer = layer
        super().__init__(
            f"Non-finite number at step {step}, layer '{layer}': {detail}. "
            "Lower the learning rate or clip the gradient, then fork this run."
        )


class OutOfMemoryError(TrainingError):
    """The device ran out of memory."""

    reason: Reason = "out of memory"

    def __init__(self, batch_size: int, device: str) -> None:
        self.batch_size = batch_size
        super().__init__(
            f"Out of memory on {device} at batch size {batch_size}: "
            f"retry with half the batch (batch_size={max(2, batch_size // 2)})."
        )


def one_line(error: BaseException) -> str:
    """Return the error's message on one line of printable characters, or its class name if it has none."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(error))
    return " ".join(text.split()) or type(error).__name__
