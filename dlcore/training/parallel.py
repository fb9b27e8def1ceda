"""Data-parallel training: losses and metrics of several processes, combined into those of the whole batch."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor

Result = TypeVar("Result")


class _Counts(Protocol):
    def counts(self, batch: int) -> tuple[int, int]: ...


class SharedLoss:
    """Scales the loss of one process so that the mean gradient over the processes is that of the whole batch.

    DistributedDataParallel averages gradients with equal weights, but parts of a batch differ in size, or in the number
    of targets that count (padding, missing values).
    """

    def __init__(self, fabric: Fabric, batches: _Counts, weight: Callable[[Tensor], Tensor] | None) -> None:
        """`weight` is that of the `Objective`."""
        self.fabric, self.batches, self.weight = fabric, batches, weight

    def scale(self, loss: Tensor, targets: Tensor, *, batch: int) -> tuple[Tensor, int]:
        """Return the scaled loss of this part of batch number `batch`, and the number of samples that it counts."""
        counted, size = self.batches.counts(batch)
        world = self.fabric.world_size
        if self.weight is None:
            return loss * (world * counted / size), counted
        weight = self.weight(targets).to(loss.dtype) * bool(counted)
        total: Tensor = self.fabric.all_reduce(weight.clone(), reduce_op="sum")  # type: ignore[assignment]
        return loss * (world * weight / total.clamp(min=torch.finfo(loss.dtype).tiny)), counted


def combine(rows: Tensor, fabric: Fabric) -> Tensor:
    """Sum rows (steps, 3) of scaled loss, correct and counted samples over the processes: the loss of each batch."""
    total: Tensor = fabric.all_reduce(rows, reduce_op="sum")  # type: ignore[assignment]
    total[:, 0] /= fabric.world_size
    return total


def by_first(fabric: Fabric, compute: Callable[[], Result]) -> Result:
    """Return in every process what the first one computes."""
    if fabric.world_size == 1:
        return compute()
    result: Result = fabric.broadcast(compute() if fabric.is_global_zero else None)  # type: ignore[assignment]
    return result


def highest(fabric: Fabric, number: int) -> int:
    """Return the largest of the numbers of all processes."""
    if fabric.world_size == 1:
        return number
    largest: Tensor = fabric.all_reduce(torch.tensor(number, device=fabric.device), reduce_op="max")  # type: ignore[assignment]
    return int(largest)
