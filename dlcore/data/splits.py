"""Training, validation and test splits, and the metadata that models and inference need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:  # only types: NumPy networks work without torch
    from torch import Tensor, nn

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")

Transform = Callable[["tuple[Tensor, ...]", bool], "tuple[Tensor, ...]"]
"""(inputs of a batch on the device, training?) -> inputs of the model: scaling, augmentation, trimmed padding."""


@dataclass(frozen=True)
class Split:
    """One split of a dataset, in memory.

    `inputs` are the tensors of the model's forward, first dimension N; `targets` are those of the loss (possibly the
    same tensor as the inputs); `ids` (N,) identify samples by row number or epoch milliseconds. `lengths` (N,) are set
    for padded samples: batches then hold samples of similar length.
    """

    inputs: "tuple[Tensor, ...]"
    targets: "Tensor"
    ids: np.ndarray
    lengths: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Prepared:
    """A dataset ready for training.

    `facts` determine the model's shape (`features`, `window`, `classes`, `vocabulary`); `preprocessing` is
    JSON-serializable and holds what inference needs to process new data (scalers, vocabulary); `source` holds what else
    evaluation needs (raw values, labels); `checksum` is the sha256 of the data. `transform` converts a batch of any
    split to the model's inputs, on the device, for `Batches`. `start` loads pretrained parts (word vectors) into a new
    model before training. `teacher_scores` (N + M, K) are the log-probabilities of a teacher for the training samples
    and the M samples of `unlabeled`, whose targets have no meaning.
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
    start: "Callable[[nn.Module], None] | None" = None
    teacher_scores: "Tensor | None" = None
    unlabeled: Split | None = None

    @property
    def fitted(self) -> Split:
        """Return the training split with the targets of the loss.

        With a teacher these are (N + M, 1 + K): the class number, for unlabeled samples that of the teacher, and the
        teacher's log-probabilities.
        """
        if self.teacher_scores is None:
            return self.train
        from torch import cat

        parts = [self.train] if self.unlabeled is None else [self.train, self.unlabeled]
        targets = cat([self.train.targets, self.teacher_scores[len(self.train) :].argmax(dim=1)])
        return Split(
            tuple(cat(tensors) for tensors in zip(*(part.inputs for part in parts), strict=True)),
            cat([targets[:, None].float(), self.teacher_scores], dim=1),
            np.concatenate([part.ids for part in parts]),
            None
            if self.train.lengths is None
            else np.concatenate([part.lengths for part in parts if part.lengths is not None]),
        )

    def split(self, name: SplitName) -> Split:
        """Return the split with this name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[name]
