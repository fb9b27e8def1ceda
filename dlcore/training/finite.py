"""Where a loss that is not a finite number came from."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from dlcore.core.errors import NotFiniteError


def diagnose(module: nn.Module, inputs: tuple[Tensor, ...], *, step: int) -> NotFiniteError:
    """Say which layer is to blame: the data, a weight, or the first layer whose output is not finite."""
    for number, tensor in enumerate(inputs):
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return NotFiniteError(step, "input", f"input {number} of this batch holds an infinite or missing value")
    for name, parameter in module.named_parameters():
        if not torch.isfinite(parameter).all():
            layer = name.rpartition(".")[0] or name
            return NotFiniteError(step, layer, f"its {name.rpartition('.')[2]} is not finite since the update before")
    with torch.no_grad(), _first_bad_output(module) as seen:
        module(*inputs)
    layer = seen[0] if seen else "loss"
    return NotFiniteError(step, layer, "its output overflowed" if seen else "the loss itself overflowed")


@contextmanager
def _first_bad_output(module: nn.Module) -> Iterator[list[str]]:
    """Collect the names of leaf layers that give values that are not finite; hooks live inside this block alone."""
    seen: list[str] = []

    def watch(name: str) -> torch.utils.hooks.RemovableHandle:
        def look(_: nn.Module, __: object, output: object) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            if isinstance(tensor, Tensor) and not torch.isfinite(tensor).all():
                seen.append(name)

        return layer.register_forward_hook(look)

    handles = []
    for name, layer in module.named_modules():
        if not list(layer.children()):
            handles.append(watch(name or type(layer).__name__))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
