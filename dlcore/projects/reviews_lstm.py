"""language/reviews_lstm: does a film review like the film? An LSTM reads it word by word."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number, parse
from dlcore.core.errors import DataError
from dlcore.data import text
from dlcore.data.splits import SPLITS, Prepared, Split
from dlcore.data.stratify import sample, stratified
from dlcore.evaluation import linear
from dlcore.inference import predict as inference
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.projects import classification
from dlcore.projects.project import Loaded, ModelEntry, Project, RunConfig

TEST_SHARE = 0.2
"""Of all reviews; drawn once with a fixed seed, so that every run of every seed is judged on the same ones."""


class ReviewsData(Config):
    """How reviews become numbers."""

    length: int = number(200, low=8, high=1000, unit="words", help="Words read of each review.")
    keep: text.Keep = choice("end", help="Which part of a longer review is read; verdicts come at the end.")
    vocabulary: int = number(20_000, low=100, high=200_000, unit="words", help="Most frequent words known.", log=True)
    min_frequency: int = number(2, low=1, high=100, help="Times a word must come in the training part to be known.")
    rows: int = number(
        0, low=0, high=25_000, unit="reviews", help="Reviews used in all, each part at its share; 0 uses all."
    )


def prepare(config: RunConfig) -> Prepared:
    """70 % training, 10 % validation, 20 % test, both classes evenly in each; the vocabulary from training alone."""
    options = parse(ReviewsData, config.data_options)
    found = text.load(config.dataset)
    parts = _parts(found.labels, options.rows, seed=config.seed)
    texts = {name: [found.texts[row] for row in rows] for name, rows in parts.items()}
    known = text.Vocabulary.fit(texts["train"], size=options.vocabulary, min_frequency=options.min_frequency)
    splits = {
        name: Split(
            (torch.from_numpy(known.encode(texts[name], length=options.length, keep=options.keep)),),
            torch.from_numpy(found.labels[rows]),
            found.rows[rows],
        )
        for name, rows in parts.items()
    }
    return Prepared(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={"vocabulary": len(known), "length": options.length, "classes": len(found.names)},
        preprocessing=text.as_preprocessing(known, length=options.length, keep=options.keep),
        labels=found.names,
        checksum=found.checksum,
        source={"texts": texts, "doubled": found.doubled},
        transform=_trim,
    )


def _parts(labels: np.ndarray, rows: int, *, seed: int) -> dict[str, np.ndarray]:
    """Row numbers of the three parts; with `rows` each part is thinned, so a test review never moves into training."""
    rest, test = stratified(labels, TEST_SHARE, seed=0)
    inner, held = stratified(labels[rest], 0.125, seed=seed)
    parts = dict(zip(SPLITS, (rest[inner], rest[held], test), strict=True))
    if rows <= 0:
        return dict(parts)
    shares = {name: max(2, round(rows * len(part) / len(labels))) for name, part in parts.items()}
    seeds = {"train": seed, "validation": seed, "test": 0}
    return {name: part[sample(labels[part], shares[name], seed=seeds[name])] for name, part in parts.items()}


def _trim(inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
    """Ids (N, T) without the columns in which every review of the batch is padding."""
    ids = inputs[0]
    longest = int(ids.ne(text.PAD).sum(dim=1).max())
    return (ids[:, : max(1, longest)].contiguous(),)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, and logistic regression on the weighted word counts of the whole reviews."""
    texts = prepared.source["texts"]
    scores = linear.tfidf_logistic_regression(
        texts["train"], prepared.train.targets.numpy(), texts["test"], classes=prepared.facts["classes"]
    )
    return {
        "majority": classification.majority(prepared),
        "tfidf_logistic_regression": classification.measured(scores, prepared.test.targets.numpy()),
    }


def answer(loaded: Loaded, payload: bytes) -> dict[str, Any]:
    """Whether a text likes its film: label, its probability, both probabilities, words read and words unknown.

    Raises:
        DataError: the text is empty, too long, not UTF-8, or has no word that the model knows.
    """
    said = text.read_text(payload)
    seen = loaded.preprocessing
    known = text.from_preprocessing(seen)
    ids = known.encode([said], length=int(seen["length"]), keep=seen["keep"])
    tokens, unknown = int((ids != text.PAD).sum()), int((ids == text.UNKNOWN).sum())
    if tokens == unknown:
        raise DataError(f"none of the {tokens} words read is in the model's vocabulary: write an English review.")
    (trimmed,) = _trim((torch.from_numpy(ids),), False)
    probabilities = classification.named_probabilities(inference.answer(loaded.module, trimmed), loaded.labels)
    label = loaded.labels[1 if probabilities[loaded.labels[1]] >= _threshold(loaded) else 0]
    words = len(known.tokens(said))
    return {
        "label": label,
        "probability": probabilities[label],
        "probabilities": probabilities,
        "threshold": _threshold(loaded),
        "tokens": tokens,
        "unknown": unknown,
        "left_out": max(0, words - tokens),
    }


def _threshold(loaded: Loaded) -> float:
    return 0.5 if loaded.threshold is None else loaded.threshold


def _build(options: BaseLstmConfig, facts: Mapping[str, int]) -> nn.Module:
    return BaseLstm(options, vocabulary=facts["vocabulary"], classes=facts["classes"])


PROJECT = Project(
    slug="reviews_lstm",
    section="language",
    title="Film reviews with an LSTM",
    summary="Read a film review word by word with an LSTM, and say whether its writer liked the film.",
    datasets=("movie_reviews",),
    models={
        "base_lstm": ModelEntry(
            title="BaseLSTM",
            summary="Embedding, three one-way LSTM layers with dropout after each, and the state after the last word.",
            build=_build,
            config=BaseLstmConfig,
        )
    },
    data_config=ReviewsData,
    presets={
        "quick": {
            "epochs": 4, "batch_size": 32, "learning_rate": 5e-3, "clip_norm": 1.0, "schedule": "one_cycle",
            "rows": 8000, "length": 100, "vocabulary": 8000, "embedding": 32, "hidden": 32,
        },
        "full": {
            "epochs": 6, "batch_size": 32, "learning_rate": 2e-3, "clip_norm": 1.0, "schedule": "one_cycle",
            "hidden": 96,
        },
    },
    facts={"vocabulary": 20_000, "length": 200, "classes": 2},
    prepare=prepare,
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    answer=answer,
    input_kind="text",
    input_limit=text.MAX_BYTES,
)  # fmt: skip
