"""language/reviews_transformer: sentiment analysis with variants of an encoder-decoder Transformer."""

from typing import Any

from dlcore.core.config import choice, number
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from dlcore.projects.language import ngrams, texts
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig


class TransformerReviewsData(texts.TextData):
    """Tokenization of reviews."""

    length: int = number(250, low=8, high=1000, unit="words", help="Words read of each review.")
    keep: text.Keep = choice("end", help="Part of a longer review that is read; the verdict is often at the end.")
    vocabulary: int = number(15_000, low=100, high=200_000, unit="words", help="Size of the vocabulary.", log=True)


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source or a fifth of all, a tenth for validation; vocabulary from the training split."""
    return texts.prepare(config, TransformerReviewsData)


VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "base": ("Base", "Three encoder and three decoder layers, two heads, mean pooling.", {}),
    "dropout": ("Dropout 0.3", "Three times the dropout.", {"dropout": 0.3}),
    "weight_decay": ("Weight decay 1e-5", "With weight decay.", {"weight_decay": 1e-5}),
    "fast": ("Learning rate 0.1", "Learning rate a hundred times higher.", {"learning_rate": 0.1}),
    "slow": ("Learning rate 0.0001", "The base in steps a tenth as long.", {"learning_rate": 1e-4}),
    "early_stopping": (
        "Early stopping",
        "Up to three times the epochs, stopped by validation loss.",
        {"patience": 2},
    ),
    "improved": (
        "Improved",
        "GloVe vectors, word dropout, and more dropout.",
        {"dropout": 0.2, "word_dropout": 0.2, "vectors": "glove", "width": 100},
    ),
}
"""Variant -> title, summary, and settings that differ from the base."""
_TRAINING = {"batch_size": 32, "learning_rate": 1e-3, "clip_norm": 1.0}
_FULL = {name: dict(settings) for name, (_, _, settings) in VARIANTS.items()}
_FULL["early_stopping"]["epochs"] = 12
_FULL["improved"] |= {"schedule": "one_cycle", "epochs": 5}
_QUICK = {name: settings for name, settings in _FULL.items() if name not in ("early_stopping", "improved")}

_BUILD = texts.build_with(EncoderDecoder)

PROJECT = TextProject(
    slug="reviews_transformer",
    title="Sentiment analysis with a Transformer",
    summary="Classify film reviews with an encoder-decoder Transformer, and measure each training choice.",
    datasets=("imdb", "movie_reviews"),
    models={
        name: ModelEntry(title=title, summary=summary, build=_BUILD, config=EncoderDecoderConfig)
        for name, (title, summary, _) in VARIANTS.items()
    }
    | ngrams.MODELS,
    data_config=TransformerReviewsData,
    presets={
        "quick": {
            **_TRAINING,
            "epochs": 2,
            "rows": 4000,
            "length": 100,
            "vocabulary": 8000,
            "width": 32,
            "feed_forward": 64,
            **_QUICK,
            "early_stopping": {"patience": 1, "epochs": 4},
            "improved": {"dropout": 0.2, "word_dropout": 0.2},
            **ngrams.PRESETS,
        },
        "full": {**_TRAINING, "epochs": 4, **_FULL, **ngrams.PRESETS},
    },
    facts={"vocabulary": 15_000, "length": 250, "classes": 2},
    prepare=prepare,
    needs=texts.needs,
    quick_settings=texts.quick_settings(dict.fromkeys(VARIANTS, 12_000)),
    reported={"base": 0.86, "dropout": 0.685, "weight_decay": 0.7, "fast": 0.7, "slow": 0.7},
)
