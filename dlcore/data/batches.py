"""Batches from data that is in memory: gathered in large pieces by a permutation, no worker processes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from dlcore.core import seeds
from dlcore.data.splits import Split, Transform

PIECE_BYTES = 64 * 2**20
ALIKE = 40
"""Batches drawn together and sorted by length, where samples have one: enough for little padding, and for chance."""
RESIDENT_BYTES = 8 * 2**30


class Batches:
    """The steps of one split.

    The order of epoch `e` depends on (seed, e) alone, so a run can go on in the middle of it elsewhere. One gather
    serves many steps: a step then costs two slices. With `world` processes each takes its equal share of every batch.
    Samples that have a length meet others of about the same.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        seed: int | None = None,
        device: torch.device | str = "cpu",
        transform: Transform | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """`seed` None keeps the split's own order (validation, test); `share` is (rank, world)."""
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.device, self.transform, self.share = torch.device(device), transform, share
        same = len(split.inputs) == 1 and split.targets is split.inputs[0]
        tensors = list(split.inputs) if same else [*split.inputs, split.targets]
        bytes_all = sum(tensor.element_size() * tensor.numel() for tensor in tensors)
        if self.device.type != "cpu" and bytes_all <= RESIDENT_BYTES:
            tensors = [tensor.to(self.device) for tensor in tensors]
        self._tensors, self._same = tensors, same
        row = max(1, bytes_all // max(1, len(split)))
        self._piece = max(1, PIECE_BYTES // (row * batch_size)) * batch_size

    def __len__(self) -> int:
        return -(-len(self.split) // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """The batches of epoch `number`, from batch `start` on: inputs and targets on the device."""
        order = self._order(number)
        for piece in range(start * self.batch_size, len(self.split), self._piece):
            rows = slice(piece, min(piece + self._piece, len(self.split)))
            if order is None:
                gathered = [tensor[rows].to(self.device, non_blocking=True) for tensor in self._tensors]
            else:
                gathered = [self._gather(tensor, order[rows]) for tensor in self._tensors]
            yield from self._steps(gathered)

    def _steps(self, gathered: list[Tensor]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        rank, world = self.share
        parts = [tensor.split(self.batch_size) for tensor in gathered]
        for batch in zip(*parts, strict=True):
            if world > 1:
                batch = tuple(part.tensor_split(world)[rank] for part in batch)
            inputs = batch if self._same else batch[:-1]
            if self.transform:
                yield self.transform(inputs, self.seed is not None), batch[-1]
            else:
                yield inputs, batch[-1]

    def _order(self, number: int) -> Tensor | None:
        if self.seed is None:
            return None
        drawn = torch.randperm(len(self.split), generator=seeds.generator(self.seed, number))
        return drawn if self.split.lengths is None else self._alike(drawn, number)

    def _alike(self, drawn: Tensor, number: int) -> Tensor:
        """The order (N,) drawn, so that samples of a batch are of about the same length: little padding."""
        assert self.split.lengths is not None and self.seed is not None
        lengths, size = torch.from_numpy(np.asarray(self.split.lengths)), self.batch_size
        whole = len(drawn) // size * size
        sorted_in = [part[lengths[part].argsort(stable=True)] for part in drawn[:whole].split(size * ALIKE)]
        if not sorted_in:
            return drawn
        shuffled = torch.randperm(whole // size, generator=seeds.generator(self.seed, number, 1))
        return torch.cat([torch.cat(sorted_in).view(-1, size)[shuffled].flatten(), drawn[whole:]])

    def _gather(self, tensor: Tensor, rows: Tensor) -> Tensor:
        gathered = tensor.index_select(0, rows.to(tensor.device))
        return gathered.to(self.device, non_blocking=True)
