"""Predict, then run: questions that are answered before a run and marked from what the run itself measured; and ways
to break a network on purpose, each with the signature by which it is known.

The right answer stands nowhere: it is worked out from the evidence every time, so a question about a run that turned
out otherwise is marked otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from dlcore.core.errors import RequestError

Evidence = TypeVar("Evidence")


@dataclass(frozen=True)
class CorrectChoice:
    """What the evidence says: the place of the right choice, and a sentence with the numbers it follows from."""

    right: int
    why: str


@dataclass(frozen=True)
class Question(Generic[Evidence]):
    """A question with its choices; `find` works out the right one from the evidence."""

    name: str
    text: str
    choices: tuple[str, ...]
    find: Callable[[Evidence], CorrectChoice]


@dataclass(frozen=True)
class MarkedAnswer:
    """An answer that was marked."""

    question: str
    chosen: int
    found: CorrectChoice

    @property
    def right(self) -> bool:
        """Whether what was chosen is what was found."""
        return self.chosen == self.found.right


@dataclass(frozen=True)
class Failure(Generic[Evidence]):
    """A way to break it: `settings` over the usual ones, the signature to expect, and whether the evidence shows it."""

    name: str
    what: str
    settings: Mapping[str, Any]
    signature: str
    shows: Callable[[Evidence], tuple[bool, str]]


@dataclass(frozen=True)
class RunEvidence:
    """What a run or a trial of it measured, by layer and by step; all that a question may look at.

    curves: name -> steps (n,), values (n,). `steps` (m,), `norms` (m, L) and each of `measures` (m, L) belong to
    `layers` (L,), in forward order. `metrics` are those of the test split, where there are any. `broke` says why
    it ended before its time.
    """

    settings: Mapping[str, Any]
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]]
    layers: tuple[str, ...] = ()
    steps: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    norms: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    broke: str = ""

    def first(self, name: str) -> float:
        """The first value of a curve."""
        return float(self.curves[name][1][0])

    def last(self, name: str) -> float:
        """The last value of a curve."""
        return float(self.curves[name][1][-1])


def mark_answer(question: Question[Evidence], chosen: int, evidence: Evidence) -> MarkedAnswer:
    """Mark one answer.

    Raises:
        RequestError: there is no such choice, or the question finds one that it does not offer.
    """
    found = question.find(evidence)
    for place in (chosen, found.right):
        if not 0 <= place < len(question.choices):
            raise RequestError(f"'{question.name}' has no choice {place}: it has {len(question.choices)}.")
    return MarkedAnswer(question.name, chosen, found)


def score(marked: Sequence[MarkedAnswer]) -> str:
    """How many answers were right, in words."""
    right = sum(one.right for one in marked)
    words = {0: "None", len(marked): "All"}
    return f"{words.get(right, str(right))} of {len(marked)} predicted right."
