"""Run a module on many batches or on one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

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
