"""language/reviews_lstm: sentiment analysis of film reviews with an LSTM."""

from collections.abc import Mapping

from torch import nn

from dlcore.core.config import choice
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.models.base_lstm import BaseLstm, BaseLstmConfig
from dlcore.models.rnn_classifier import ImprovedLstmConfig, RnnClassifier
from dlcore.projects.language import ngrams, texts
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig


class LstmReviewsData(texts.TextData):
    """Tokenization of reviews."""

    keep: text.Keep = choice("end", help="Part of a longer review that is read; the verdict is often at the end.")


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source or a fifth of all, a tenth for validation; vocabulary from the training split."""
    return texts.prepare(config, LstmReviewsData)


def _build(options: BaseLstmConfig, facts: Mapping[str, int]) -> nn.Module:
    return BaseLstm(options, vocabulary=facts["vocabulary"], classes=facts["classes"])


def _improved(options: ImprovedLstmConfig, facts: Mapping[str, int]) -> nn.Module:
    return RnnClassifier(options, cell="lstm", vocabulary=facts["vocabulary"], classes=facts["classes"])


_TRAINING = {"batch_size": 32, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = TextProject(
    slug="reviews_lstm",
    title="Sentiment analysis with an LSTM",
    summary="Classify film reviews as positive or negative with an LSTM that reads word by word.",
    datasets=("imdb", "movie_reviews"),
    models={
        "base_lstm": ModelEntry(
            title="BaseLSTM",
            summary="Three LSTM layers with dropout; last state.",
            build=_build,
            config=BaseLstmConfig,
        ),
        "improved_lstm": ModelEntry(
            title="Improved LSTM",
            summary="GloVe vectors, three bidirectional LSTM layers, max and mean pooling.",
            build=_improved,
            config=ImprovedLstmConfig,
        ),
        **ngrams.MODELS,
    },
    data_config=LstmReviewsData,
    presets={
        "quick": {
            **_TRAINING,
            "epochs": 4,
            "learning_rate": 5e-3,
            "rows": 8000,
            "length": 100,
            "vocabulary": 8000,
            "base_lstm": {"embedding": 32, "hidden": 32},
            "improved_lstm": {"epochs": 2, "learning_rate": 3e-3, "hidden": 16, "layers": 2, "vectors": "glove"},
            **ngrams.PRESETS,
        },
        "full": {
            **_TRAINING,
            "epochs": 6,
            "learning_rate": 2e-3,
            "base_lstm": {"hidden": 96, "epochs": 5},
            "improved_lstm": {"epochs": 3, "length": 300, "vectors": "glove"},
            **ngrams.PRESETS,
        },
    },
    facts={"vocabulary": 20_000, "length": 200, "classes": 2},
    prepare=prepare,
    needs=texts.needs,
    quick_settings=texts.quick_settings({"base_lstm": 20_000, "improved_lstm": 15_000}),
    fallbacks={"glove": {"improved_lstm": {"vectors": "none"}}},
    suggest_model=lambda dataset: "improved_lstm",
)
