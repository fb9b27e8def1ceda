"""language/reviews_transformer: does a film review like the film? An encoder-decoder Transformer, in variants."""

from typing import Any

from dlcore.core.config import choice, number
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from dlcore.projects import classification
from dlcore.projects.language import texts
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Project, RunConfig


class ReviewsData(texts.TextData):
    """How reviews become numbers."""

    length: int = number(250, low=8, high=1000, unit="words", help="Words read of each review.")
    keep: text.Keep = choice("end", help="Which part of a longer review is read; verdicts come at the end.")
    vocabulary: int = number(15_000, low=100, high=200_000, unit="words", help="Most frequent words known.", log=True)


def prepare(config: RunConfig) -> Prepared:
    """The source's test part or a fifth of all; a tenth to validate on; the vocabulary from the training part."""
    return texts.prepare(config, ReviewsData)


VARIANTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "base": ("Base", "Three encoder and three decoder layers, two heads, the mean over all words.", {}),
    "dropout": ("Dropout 0.3", "The base with three times the dropout.", {"dropout": 0.3}),
    "weight_decay": ("Weight decay 1e-5", "The base, every weight pulled towards zero.", {"weight_decay": 1e-5}),
    "fast": ("Learning rate 0.1", "The base in steps a hundred times as long.", {"learning_rate": 0.1}),
    "slow": ("Learning rate 0.0001", "The base in steps a tenth as long.", {"learning_rate": 1e-4}),
    "early_stopping": (
        "Early stopping",
        "The base for up to three times as long, ended when validation gets no better.",
        {"patience": 2},
    ),
    "improved": (
        "Improved",
        "GloVe's vectors to start with, words left out at random, and more dropout.",
        {"dropout": 0.2, "word_dropout": 0.2, "vectors": "glove", "width": 100},
    ),
}
"""Title, summary, and the settings that differ from the base, of each variant."""
_RECIPE = {"batch_size": 32, "learning_rate": 1e-3, "clip_norm": 1.0}
_FULL = {name: dict(settings) for name, (_, _, settings) in VARIANTS.items()}
_FULL["early_stopping"]["epochs"] = 12
_FULL["improved"] |= {"schedule": "one_cycle", "epochs": 5}
_QUICK = {name: settings for name, settings in _FULL.items() if name not in ("early_stopping", "improved")}

_BUILD = texts.build_with(EncoderDecoder)

PROJECT = Project(
    slug="reviews_transformer",
    section="language",
    title="Film reviews with a Transformer",
    summary="Judge film reviews with an encoder-decoder Transformer, and see what each change of its recipe does.",
    datasets=("imdb", "movie_reviews"),
    models={
        name: ModelEntry(title=title, summary=summary, build=_BUILD, config=EncoderDecoderConfig)
        for name, (title, summary, _) in VARIANTS.items()
    },
    data_config=ReviewsData,
    presets={
        "quick": {
            **_RECIPE,
            "epochs": 2,
            "rows": 4000,
            "length": 100,
            "vocabulary": 8000,
            "width": 32,
            "feed_forward": 64,
            **_QUICK,
            "early_stopping": {"patience": 1, "epochs": 4},
            "improved": {"dropout": 0.2, "word_dropout": 0.2},
        },
        "full": {**_RECIPE, "epochs": 4, **_FULL},
    },
    facts={"vocabulary": 15_000, "length": 250, "classes": 2},
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
    reported={"base": 0.86, "dropout": 0.685, "weight_decay": 0.7, "fast": 0.7, "slow": 0.7},
)
