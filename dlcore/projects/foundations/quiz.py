"""Quiz before a run, graded with the run's measurements, and deliberate failures with their signature.

The correct choice is computed from the evidence, so it depends on the run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from dlcore.core.errors import RequestError

Evidence = TypeVar("Evidence")


@dataclass(frozen=True)
class CorrectChoice:
    """Index of the correct choice, and a sentence with its evidence."""

    right: int
    why: str


@dataclass(frozen=True)
class Question(Generic[Evidence]):
    """A question with choices; `find` computes the correct one from the evidence."""

    name: str
    text: str
    choices: tuple[str, ...]
    find: Callable[[Evidence], CorrectChoice]


@dataclass(frozen=True)
class MarkedAnswer:
    """A graded answer."""

    question: str
    choice: int
    expected: CorrectChoice

    @property
    def right(self) -> bool:
        """Whether the answer is correct."""
        return self.choice == self.expected.right


@dataclass(frozen=True)
class Failure(Generic[Evidence]):
    """A deliberate failure: `settings` that cause it, the expected signature, and a check of the evidence."""

    name: str
    what: str
    settings: Mapping[str, Any]
    signature: str
    shows: Callable[[Evidence], tuple[bool, str]]


@dataclass(frozen=True)
class RunEvidence:
    """Measurements of a run or a short run, per layer and step, for questions.

    curves: name -> steps (n,), values (n,). `steps` (m,), `norms` (m, L) and each of `measures` (m, L) refer to
    `layers` (L,) in forward order. `metrics` are test metrics, if any. `broke` is the reason of an early end.
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


def mark_answer(question: Question[Evidence], choice: int, evidence: Evidence) -> MarkedAnswer:
    """Grade one answer.

    Raises:
        RequestError: the choice is unknown, or the computed choice is out of range.
    """
    expected = question.find(evidence)
    for place in (choice, expected.right):
        if not 0 <= place < len(question.choices):
            raise RequestError(f"'{question.name}' has no choice {place}: it has {len(question.choices)}.")
    return MarkedAnswer(question.name, choice, expected)


def score(marked: Sequence[MarkedAnswer]) -> str:
    """Score of the answers as a sentence."""
    right = sum(item.right for item in marked)
    words = {0: "None", len(marked): "All"}
    return f"{words.get(right, str(right))} of {len(marked)} predicted right."
