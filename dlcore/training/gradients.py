"""How long the gradient is at each layer."""

import math

import torch
from torch import Tensor, nn


def layers(module: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of each layer, by the layer's name, in the module's order."""
    found: dict[str, list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            found.setdefault(name.rpartition(".")[0] or name, []).append(parameter)
    return found


def norms(groups: list[list[nn.Parameter]], *, scale: float = 1.0) -> tuple[float, ...]:
    """Euclidean norm of the gradient of each group, divided by `scale` (a loss scaler's); one copy off the device."""
    grads = [_grad(parameter) for group in groups for parameter in group]
    lengths = iter(torch.stack(torch._foreach_norm(grads)).double().tolist())  # one call for all: a loop is 3x slower
    return tuple(math.sqrt(sum(next(lengths) ** 2 for _ in group)) / scale for group in groups)


def _grad(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        return torch.zeros((), dtype=parameter.dtype, device=parameter.device)
    grad = parameter.grad.detach()
    return grad.float() if grad.dtype in (torch.float16, torch.bfloat16) else grad
