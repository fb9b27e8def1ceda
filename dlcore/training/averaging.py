"""Weights and batch-norm statistics that are evaluated in place of the last step's."""

import itertools
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel

from dlcore.core import seeds

Batch = tuple[tuple[Tensor, ...], Tensor]
Tensors = tuple[Tensor, ...] | list[Tensor]


def moving_average(module: nn.Module, decay: float) -> AveragedModel:
    """Return an exponential moving average of weights and buffers, to be updated after each step.

    In step t the decay is at most (1 + t) / (10 + t), as in TensorFlow: initial weights fade early.
    """

    @torch.no_grad()
    def update(averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        steps = int(count)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, values, 1 - min(decay, (1 + steps) / (10 + steps)))
        else:
            torch._foreach_copy_(averages, values)

    return AveragedModel(module, multi_avg_fn=update, use_buffers=True)


@torch.no_grad()
def recalibrate_norms(module: nn.Module, batches: Iterable[Batch], count: int) -> None:
    """Replace the running statistics of batch norms by those of `count` batches, all with the same weight.

    Frozen batch norms keep theirs. Random generators are as before.
    """
    was_training = module.training
    module.train()
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.training]
    momenta = [norm.momentum for norm in norms]
    before = seeds.capture()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative average
    for inputs, _ in itertools.islice(batches, count) if norms else ():
        module(*inputs)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    seeds.restore(before)
    module.train(was_training)
