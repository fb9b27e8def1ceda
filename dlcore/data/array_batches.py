"""Batches as NumPy arrays, for networks in NumPy."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dlcore.data.batch_sizes import split_batches

Prepare = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""(inputs of a training batch, generator) -> inputs of the network."""


class ArrayBatches:
    """The batches of the training split. Order and random draws of epoch `e` depend on (seed, e, batch) only, so that a
    run can resume in the middle of an epoch. A last batch of one sample joins the one before it."""

    def __init__(
        self, inputs: np.ndarray, targets: np.ndarray, batch_size: int, *, seed: int, prepare: Prepare | None = None
    ) -> None:
        self.inputs, self.targets, self.batch_size = inputs, targets, batch_size
        self.seed, self.prepare = seed, prepare
        self._ends = np.cumsum(split_batches(len(targets), batch_size))

    def __len__(self) -> int:
        return len(self._ends)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the batches of epoch `number` from batch `start` on: inputs and class numbers."""
        order = np.random.default_rng([self.seed, number]).permutation(len(self.targets))
        for batch in range(start, len(self)):
            rows = order[batch * self.batch_size : self._ends[batch]]
            x = self.inputs[rows]
            if self.prepare is not None:
                x = self.prepare(x, np.random.default_rng([self.seed, number, batch]))
            yield x, self.targets[rows]


class RandomShift:
    """Shifts uint8 images (N, H, W) randomly by up to `shift` pixels, padded with black, and standardizes them."""

    def __init__(self, mean: float, std: float, *, shift: int = 0) -> None:
        self.factor, self.offset = np.float32(1 / (255 * std)), np.float32(mean / std)
        self.shift = shift

    def __call__(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Transform one batch."""
        return (random_shift(pixels, self.shift, rng) if self.shift else pixels) * self.factor - self.offset


def random_shift(pixels: np.ndarray, shift: int, rng: np.random.Generator) -> np.ndarray:
    """Shift each image of (N, H, W) by up to `shift` pixels vertically and horizontally."""
    n, height, width = pixels.shape
    padded = np.pad(pixels, ((0, 0), (shift, shift), (shift, shift)))
    down, across = rng.integers(0, 2 * shift + 1, (2, n))
    return sliding_window_view(padded, (height, width), axis=(1, 2))[np.arange(n), down, across]
