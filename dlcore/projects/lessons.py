"""Lessons: small comparisons that come with a project, three seeds per variant, each about one question."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

SEEDS = (0, 1, 2)
"""Seeds of every variant; the first one is stored with its weights."""

Question = Literal["accuracy", "overfitting"]


@dataclass(frozen=True)
class Lesson:
    """A comparison that answers one question.

    `variants` are settings by name, `titles` their labels (default: the title of the model); a variant overrides the
    `settings` common to all and may name its `model`. `question` is what the lesson's sentence is about: test accuracy,
    or the gap between validation and training loss.
    """

    slug: str
    title: str
    dataset: str
    settings: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    titles: Mapping[str, str] = field(default_factory=dict)
    question: Question = "accuracy"
