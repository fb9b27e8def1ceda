"""From a config to an optimiser and a learning rate."""

from typing import Any

import torch
from torch import nn

from dlcore.training.config import TrainingConfig

SHARE = "share"
"""What a group of parameters multiplies the learning rate with."""


def create(module: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser that the config names, in torch's fused form: one kernel a step.

    A module with a method `rates` gives (share of the learning rate, parameters) of each of its groups.
    """
    rate, decay = config.learning_rate, config.weight_decay
    groups = [
        {"params": parameters, "lr": share * rate, SHARE: share}
        for share, some in _rates(module)
        if (parameters := [parameter for parameter in some if parameter.requires_grad])
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, weight_decay=decay, fused=True)


def _rates(module: nn.Module) -> list[tuple[float, list[nn.Parameter]]]:
    own: Any = getattr(module, "rates", None)
    return own() if callable(own) else [(1.0, list(module.parameters()))]
