"""Run a module on many batches or on one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Batch = tuple[tuple[Tensor, ...], Tensor]


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[nn.Module]:
    """Evaluation mode without gradients inside the block; every submodule's mode is restored afterwards."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            yield module
    finally:
        for part, training in before:
            part.training = training


def predict_outputs(module: nn.Module, batches: Iterable[Batch]) -> tuple[Tensor, Tensor]:
    """Return the module's outputs and the targets of all batches, in order, on the CPU; half precision as float32.

    batches: (inputs, targets) on the module's device, at least one.
    """
    outputs, targets = [], []
    with evaluation_mode(module):
        for inputs, target in batches:
            outputs.append(module(*inputs).float())
            targets.append(target)
    return torch.cat(outputs).cpu(), torch.cat(targets).cpu()  # one device synchronization in total, not one per batch


def forward_batch(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Return the module's output for one batch of inputs, on the CPU."""
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    with evaluation_mode(module):
        return module(*(part.to(device) for part in inputs)).float().cpu()


class _LastLinear(TorchFunctionMode):
    """Keeps the input of the linear layer called last in this thread: no hook, so a shared module stays as it is."""

    features: Tensor | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is functional.linear:
            self.features = args[0]
        return func(*args, **(kwargs or {}))


def forward_features(module: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the output (N, K) for one batch and the penultimate features (N, D), both float32 on the CPU.

    The features are the input of the last linear layer, or what the module's own `forward_features` returns; None if
    there are no such features, one vector per sample.
    """
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    inputs = tuple(part.to(device) for part in inputs)
    with evaluation_mode(module):
        if callable(custom := getattr(module, "forward_features", None)):
            outputs, features = custom(*inputs)
        else:
            with _LastLinear() as last:
                outputs = module(*inputs)
            features = last.features
    if features is None or features.shape[:-1] != outputs.shape[:-1] or features.dim() != 2:
        return outputs.float().cpu(), None
    return outputs.float().cpu(), features.float().cpu()
