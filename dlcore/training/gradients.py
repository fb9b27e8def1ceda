"""Gradient norms per layer."""

import math

import torch
from torch import Tensor, nn


def layers(module: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Return the trainable parameters of each layer by layer name, in module order."""
    parameters: dict[str, list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            parameters.setdefault(name.rpartition(".")[0] or name, []).append(parameter)
    return parameters


def norms(groups: list[list[nn.Parameter]], *, scale: float = 1.0) -> tuple[float, ...]:
    """Return the L2 norm of the gradient of each group, divided by `scale` (of a loss scaler), in one device copy."""
    grads = [_grad(parameter) for group in groups for parameter in group]
    lengths = iter(
        torch.stack(torch._foreach_norm(grads)).double().tolist()
    )  # one call for all groups: a loop is 3 times slower
    return tuple(math.sqrt(sum(next(lengths) ** 2 for _ in group)) / scale for group in groups)


def _grad(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        return torch.zeros((), dtype=parameter.dtype, device=parameter.device)
    grad = parameter.grad.detach()
    return grad.float() if grad.dtype in (torch.float16, torch.bfloat16) else grad
