"""Linear models on n-grams, as models of every page that classifies texts."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.core.errors import ConfigError
from dlcore.data.splits import Split
from dlcore.data.text import question_rules
from dlcore.data.text.vocabulary import Vocabulary
from dlcore.evaluation import linear
from dlcore.models.ngram_classifier import (
    NbSvmConfig,
    NgramClassifier,
    NgramConfig,
    RulesConfig,
    TfidfConfig,
    Weighting,
)
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig
from dlcore.training.fit_once import FitOnce

MIN_COUNT = 2
"""Training texts in which an n-gram must occur."""
AT_ONCE = 64
IGNORED = ("vectors", "bucketed", "teacher", "temperature", "teacher_weight", "unlabeled")
"""Data settings without effect on these models."""
LONGEST = 1000
PRESET: dict[str, Any] = {"epochs": 1, "length": LONGEST, "vocabulary": 50_000, "min_frequency": 2, "tokens": "words"}
"""Settings of these models in every preset: whole texts."""
PRESETS = {"tfidf": PRESET, "nb_svm": PRESET}


def _build(weighting: Weighting) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    def build(options: NgramConfig, facts: Mapping[str, int]) -> nn.Module:
        return NgramClassifier(options, weighting=weighting, vocabulary=facts["vocabulary"], classes=facts["classes"])

    return build


def entry(title: str, summary: str, *, weighting: Weighting, config: type[NgramConfig]) -> ModelEntry:
    """A model that is fitted once, by scikit-learn or by rules, when its data are ready."""
    return ModelEntry(
        title=title,
        summary=summary,
        build=_build(weighting),
        config=config,
        training_loop=lambda module, prepared, config: FitOnce(module, config.training),
        ignored_settings=IGNORED,
    )


MODELS = {
    "tfidf": entry(
        "Logistic regression on TF-IDF",
        "A weight per word and class; fitted by scikit-learn in seconds.",
        weighting="tfidf",
        config=TfidfConfig,
    ),
    "nb_svm": entry(
        "NB-SVM",
        "A linear SVM on words and pairs, weighted by naive Bayes (Wang & Manning 2012).",
        weighting="binary",
        config=NbSvmConfig,
    ),
}
RULES = {
    "rules": entry(
        "Rules",
        "Question words and nouns with scores written by hand; nothing is trained.",
        weighting="binary",
        config=RulesConfig,
    )
}
"""For questions only."""


def options_of(config: RunConfig) -> NgramConfig | None:
    """The options of an n-gram classifier; None for a run of another model."""
    return config.model_options if isinstance(config.model_options, NgramConfig) else None


def make_start(
    train: Split, options: NgramConfig, known: Vocabulary, *, labels: tuple[str, ...], balanced: bool
) -> Callable[[nn.Module], None]:
    """`Prepared.start` of these models: fit the table to the training split, or write the rules into it."""
    if isinstance(options, RulesConfig):
        return partial(_write_rules, known=known, labels=labels)
    return partial(_fit, train=train, options=options, classes=len(labels), balanced=balanced)


def _write_rules(module: nn.Module, *, known: Vocabulary, labels: tuple[str, ...]) -> None:
    """Write the rules' weights into the table.

    Raises:
        ConfigError: a class of the rules is not a class of the data.
    """
    model = cast(NgramClassifier, module)
    for expected, phrases in question_rules.RULES.items():
        columns = question_rules.matching(expected, labels)
        if not columns:
            raise ConfigError(f"the rules predict TREC's classes, and these data have no '{expected}': use nb_svm.")
        for phrase, weight in phrases.items():
            ids = torch.from_numpy(known.encode([phrase], length=len(phrase.split())))
            if int(ids.min()) > 1:  # all words are known
                model.table[model.entries(ids)[0, -1], columns] += weight
    model.bias[question_rules.matching(question_rules.DEFAULT, labels)] = 0.5


def _fit(module: nn.Module, *, train: Split, options: NgramConfig, classes: int, balanced: bool) -> None:
    model, ids = cast(NgramClassifier, module), train.inputs[0].numpy()
    counts, fit_weights = count_entries(model, ids), _FITS[model.weighting]
    frequency = np.bincount(counts.indices, minlength=counts.shape[1])
    if model.weighting == "tfidf":
        model.idf.copy_(torch.from_numpy(np.log((1 + len(ids)) / (1 + frequency)) + 1))
        counts = count_entries(model, ids)
    used = np.flatnonzero(frequency >= MIN_COUNT)
    if not len(used):
        used = np.flatnonzero(frequency)
    settings = {"classes": classes, "inverse_penalty": options.inverse_penalty, "balanced": balanced}
    weights, intercept = fit_weights(counts[:, used], train.targets.numpy(), **settings)
    if classes == 2:  # log-odds of the second class; a margin counts on both sides
        scale = 1.0 if model.weighting == "tfidf" else 2.0
        weights, intercept = scale * weights[-1:], scale * intercept[-1:]
    model.table[used] = torch.from_numpy(np.ascontiguousarray(weights.T)).float()
    model.bias.copy_(torch.from_numpy(np.nan_to_num(intercept, neginf=-30.0)))


_FITS: dict[Weighting, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
    "tfidf": linear.fit_logistic_regression,
    "binary": linear.fit_nb_svm,
}


@torch.no_grad()
def count_entries(model: NgramClassifier, ids: np.ndarray) -> Any:
    """Sparse features (N, D) of ids (N, T), as the model weights them."""
    from scipy import sparse

    rows, columns, values = [], [], []
    lengths = (ids != 0).sum(axis=1)
    for start in range(0, len(ids), AT_ONCE):
        part = torch.from_numpy(ids[start : start + AT_ONCE, : max(1, int(lengths[start : start + AT_ONCE].max()))])
        entries = model.entries(part)
        shares, is_used = model.values(entries), entries > 0
        rows.append(torch.nonzero(is_used)[:, 0] + start)
        columns.append(entries[is_used])
        values.append(shares[is_used])
    indices = tuple(torch.cat(parts).numpy() for parts in (rows, columns))
    shape = (len(ids), len(model.idf))
    return sparse.coo_matrix((torch.cat(values).numpy(), indices), shape=shape).tocsr()  # sums occurrences
