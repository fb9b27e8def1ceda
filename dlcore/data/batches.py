"""Batches of in-memory data: rows are gathered in large chunks by a permutation, without worker processes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from dlcore.core import progress, seeds
from dlcore.data.batch_sizes import SMALLEST, split_batches
from dlcore.data.splits import Split, Transform

CHUNK_BYTES = 64 * 2**20
BUCKET_BATCHES = 40
"""Batches per bucket that is sorted by length: large enough for little padding, small enough to stay random."""
RESIDENT_BYTES = 8 * 2**30


class Batches:
    """The batches of one split.

    The order of epoch `e` depends on (seed, e) only, so that a run can resume in the middle of an epoch. One gather
    serves many batches. Samples with lengths are batched with others of similar length. A last training batch of one
    sample joins the one before it. The batches do not depend on the number of processes that share them: each takes an
    equal part of every batch, and random draws depend on (seed, epoch, batch, rank).
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
        """`seed` None keeps the order of the split (validation, test); `share` is (rank, world)."""
        self.split, self.batch_size, self.seed = split, batch_size, seed
        self.device, self.transform, self.share = torch.device(device), transform, share
        same = len(split.inputs) == 1 and split.targets is split.inputs[0]
        tensors = list(split.inputs) if same else [*split.inputs, split.targets]
        bytes_all = sum(tensor.element_size() * tensor.numel() for tensor in tensors)
        if self.device.type != "cpu" and bytes_all <= RESIDENT_BYTES:
            tensors = [tensor.to(self.device) for tensor in tensors]
        self._tensors, self._same = tensors, same
        row = max(1, bytes_all // max(1, len(split)))
        self._sizes = split_batches(len(split), batch_size, smallest=0 if seed is None else SMALLEST)
        self._chunk = max(1, CHUNK_BYTES // (row * batch_size))  # in batches

    def __len__(self) -> int:
        return len(self._sizes)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        """Yield the batches of epoch `number` from batch `start` on: inputs and targets on the device.

        A transform with a method `set_epoch` hears the number of each training epoch.
        """
        if self.seed is not None:
            getattr(self.transform, "set_epoch", lambda _: None)(number)
        order = self.order(number)
        for batch in range(start, len(self), self._chunk):
            first, sizes = batch * self.batch_size, self._sizes[batch : batch + self._chunk]
            rows = slice(first, first + sum(sizes))
            if order is None:
                gathered = [tensor[rows].to(self.device, non_blocking=True) for tensor in self._tensors]
            else:
                gathered = [self._gather(tensor, order[rows]) for tensor in self._tensors]
            done = first
            for inputs, targets in self._steps(gathered, sizes, first=(number, batch)):
                yield inputs, targets
                if self.seed is None:
                    done += len(targets)
                    progress.report("predicted", done, len(self.split))

    def counts(self, batch: int) -> tuple[int, int]:
        """Return how many samples of that batch of an epoch this process counts, and how many the batch has.

        A batch too small to share goes to every process, and the first one counts it.
        """
        (rank, world), size = self.share, self._sizes[batch]
        if size < SMALLEST * world:
            return (0 if rank else size), size
        return size // world + (rank < size % world), size

    def _steps(
        self, gathered: list[Tensor], sizes: list[int], *, first: tuple[int, int]
    ) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        rank, world = self.share
        parts = [tensor.split(sizes) for tensor in gathered]
        for position, batch in enumerate(zip(*parts, strict=True)):
            if world > 1:
                if len(batch[-1]) >= SMALLEST * world:
                    batch = tuple(part.tensor_split(world)[rank] for part in batch)
                if self.seed is not None:
                    torch.manual_seed(seeds.mix(self.seed, first[0], first[1] + position, rank))
            inputs = batch if self._same else batch[:-1]
            if self.transform:
                yield self.transform(inputs, self.seed is not None), batch[-1]
            else:
                yield inputs, batch[-1]

    def order(self, number: int) -> Tensor | None:
        """Return the row numbers (N,) of epoch `number` in the order of its batches; None: that of the split."""
        if self.seed is None:
            return None
        permutation = torch.randperm(len(self.split), generator=seeds.generator(self.seed, number))
        return permutation if self.split.lengths is None else self._sort_by_length(permutation, number)

    def _sort_by_length(self, permutation: Tensor, number: int) -> Tensor:
        """Reorder a permutation (N,) so that the samples of a batch have similar lengths and little padding."""
        assert self.split.lengths is not None and self.seed is not None
        lengths, size = torch.from_numpy(np.asarray(self.split.lengths)), self.batch_size
        full = len(permutation) // size * size
        buckets = [part[lengths[part].argsort(stable=True)] for part in permutation[:full].split(size * BUCKET_BATCHES)]
        if not buckets:
            return permutation
        shuffled = torch.randperm(full // size, generator=seeds.generator(self.seed, number, 1))
        return torch.cat([torch.cat(buckets).view(-1, size)[shuffled].flatten(), permutation[full:]])

    def _gather(self, tensor: Tensor, rows: Tensor) -> Tensor:
        gathered = tensor.index_select(0, rows.to(tensor.device))
        return gathered.to(self.device, non_blocking=True)
