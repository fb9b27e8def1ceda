"""Data cut into train, validation and test, and what a model and a later reader must know of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

Transform = Callable[[tuple[Tensor, ...], bool], tuple[Tensor, ...]]
"""(inputs of one batch, on the device; training?) -> inputs for the model: scaling, augmentation, trimmed padding."""


@dataclass(frozen=True)
class Split:
    """One part of a dataset, in memory.

    `inputs` are the tensors that the model's forward takes, first dimension N; `targets` what the loss compares with
    (may be the very tensor of the inputs); `ids` (N,) tell each sample's origin: row number or epoch milliseconds.
    `lengths` (N,) are there where samples are padded: batches then hold samples of about the same length.
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor
    ids: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Prepared:
    """A dataset ready to train on.

    `facts` decide the model's shape (`features`, `window`, `classes`, `vocabulary`); `preprocessing` is JSON-able and
    holds all that inference needs to treat new data alike (scalers, vocabulary); `source` keeps whatever evaluation
    needs besides (raw values, labels); `checksum` is the sha256 of the data used. `transform` turns a batch of any
    split into the model's inputs, on the device: hand it to `Batches`. `start` puts what was learnt elsewhere (word
    vectors) into a fresh model, before training.
    """

    train: Split
    validation: Split
    test: Split
    facts: Mapping[str, int]
    preprocessing: Mapping[str, Any]
    labels: tuple[str, ...] = ()
    checksum: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    transform: Transform | None = None
    start: Callable[[nn.Module], None] | None = None

    def split(self, name: SplitName) -> Split:
        """The split of that name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]
