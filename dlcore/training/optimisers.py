"""From a config to an optimiser and a learning rate."""

from collections.abc import Iterable

import torch
from torch import nn

from dlcore.training.config import TrainingConfig


def create(parameters: Iterable[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser that the config names, in torch's fused form: one kernel a step."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimiser == "sgd":
        return torch.optim.SGD(trained, lr=rate, momentum=config.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if config.optimiser == "adamw" else torch.optim.Adam
    return kind(trained, lr=rate, weight_decay=decay, fused=True)
