"""Build the optimizer of a config."""

from typing import Any

import torch
from torch import nn

from dlcore.training.config import TrainingConfig

SHARE = "share"
"""Key of a parameter group's learning-rate multiplier."""


def create(module: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimizer named in the config, in torch's fused form (one kernel per step), which takes no
    complex parameters.

    A module with a method `rates` defines parameter groups: (learning-rate multiplier, parameters) for each.
    """
    rate, decay = config.learning_rate, config.weight_decay
    groups: list[dict[str, Any]] = [
        {"params": parameters, "lr": share * rate, SHARE: share}
        for share, some in _rates(module)
        if (parameters := [parameter for parameter in some if parameter.requires_grad])
    ]
    fused = not any(parameter.is_complex() for group in groups for parameter in group["params"])
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=config.momentum, weight_decay=decay, fused=fused)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, weight_decay=decay, fused=fused)


def _rates(module: nn.Module) -> list[tuple[float, list[nn.Parameter]]]:
    rates: Any = getattr(module, "rates", None)
    return rates() if callable(rates) else [(1.0, list(module.parameters()))]
