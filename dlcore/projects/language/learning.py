"""What text classifiers learn from besides labeled texts: a teacher, and texts from templates."""

from dataclasses import replace
from typing import Literal

import numpy as np

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.text import behavior
from dlcore.data.text import corpora as text
from dlcore.data.text.cleaning import clean_text


class LearningOptions(Config):
    """What a classifier learns from besides labeled texts."""

    augmentation: Literal["none", "templates"] = choice(
        "none", help="Also train on the training half of the behavioral tests' templates (see docs/behavior.md)."
    )
    copies: int = number(1, low=1, high=20, help="Times that each text from a template is in the training texts.")
    teacher: str = choice(
        "", help="Run whose probabilities the network imitates (knowledge distillation), by its id; empty: none."
    )
    temperature: float = number(
        2.0, low=1.0, high=20.0, help="Softens the probabilities of teacher and network in the distillation loss."
    )
    teacher_weight: float = number(
        1.0, low=0.0, high=1.0, help="Share of the distillation loss; at 1 the labels of the training texts are unused."
    )


def augment(
    dataset: text.TextDataset, train: np.ndarray, options: LearningOptions
) -> tuple[text.TextDataset, np.ndarray]:
    """The dataset and the row numbers of its training split, with the texts from templates where `options` ask for
    them.

    Raises:
        ConfigError: no templates suit the classes.
    """
    if options.augmentation == "none":
        return dataset, train
    suites = behavior.suites_for(dataset.names, behavior.shipped_suites())
    rows = [
        (clean_text(sentence), dataset.names.index(names[0]))
        for suite in suites
        for sentence, label in suite.texts("train")
        if len(names := behavior.match_label(label, dataset.names)) == 1
    ] * options.copies
    if not rows:
        raise ConfigError(f"augmentation=templates: there are no templates for {', '.join(dataset.names)[:80]}.")
    count = len(dataset.texts)
    test, validation = (
        None if mask is None else np.concatenate([mask, np.zeros(len(rows), bool)])
        for mask in (dataset.test, dataset.validation)
    )
    augmented = replace(
        dataset,
        texts=[*dataset.texts, *(sentence for sentence, _ in rows)],
        labels=np.concatenate([dataset.labels, [label for _, label in rows]]),
        rows=np.concatenate([dataset.rows, -1 - np.arange(len(rows))]),
        test=test,
        validation=validation,
    )
    return augmented, np.concatenate([train, count + np.arange(len(rows))])
