"""Find the origin of a loss that is not finite."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from dlcore.core.errors import NotFiniteError


def find_not_finite(module: nn.Module, inputs: tuple[Tensor, ...], *, step: int) -> NotFiniteError:
    """Return an error that names the cause: data, a weight, the first overflowing layer or the largest output."""
    for number, tensor in enumerate(inputs):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return NotFiniteError(step, "input", f"input {number} of this batch contains an infinite or missing value")
    for name, parameter in module.named_parameters():
        if not torch.isfinite(parameter).all():
            layer = name.rpartition(".")[0] or name
            return NotFiniteError(step, layer, f"its {name.rpartition('.')[2]} is not finite since the previous update")
    with torch.no_grad(), _largest_outputs(module) as largest:
        module(*inputs)
    for layer, value in largest:
        if not math.isfinite(value):
            return NotFiniteError(step, layer, "its output overflowed")
    layer, value = max(largest, key=lambda pair: pair[1])
    return NotFiniteError(step, layer, f"its output grew to {value:.3g} and the loss overflowed")


@contextmanager
def _largest_outputs(module: nn.Module) -> Iterator[list[tuple[str, float]]]:
    """Collect the name and the largest absolute output of each leaf layer; hooks exist only inside this block."""
    outputs: list[tuple[str, float]] = []

    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def record(_: nn.Module, __: object, output: object) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            if isinstance(tensor, PackedSequence):
                tensor = tensor.data
            if isinstance(tensor, Tensor):
                largest = float(tensor.detach().abs().max())
                outputs.append((name, largest if math.isfinite(largest) else math.inf))

        return layer.register_forward_hook(record)

    leaves = [(name, layer) for name, layer in module.named_modules() if not list(layer.children())]
    handles = [watch(name or type(layer).__name__, layer) for name, layer in leaves]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()
