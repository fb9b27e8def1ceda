"""How long the gradient is at each layer."""

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
    flat = [parameter for group in groups for parameter in group]
    lengths = torch.stack([_length(parameter) for parameter in flat]).cpu() / scale
    parts = torch.split(lengths, [len(group) for group in groups])
    return tuple(float(torch.linalg.vector_norm(part)) for part in parts)


def _length(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        return torch.zeros((), dtype=torch.float64, device=parameter.device)
    grad = parameter.grad.detach()
    return torch.linalg.vector_norm(grad if grad.dtype == torch.float64 else grad.float()).double()
