"""workspace/custom_text: networks of the user's code that classify texts, from ids (N, T) of their words."""

from typing import Literal

from dlcore.core.config import choice, number
from dlcore.data.splits import Prepared
from dlcore.projects.custom.networks import adopt
from dlcore.projects.language import news, texts
from dlcore.projects.run_config import RunConfig


class CustomTextData(texts.TextData):
    """Tokenization and amount of texts; networks start from random word vectors."""

    length: int = number(64, low=8, high=1000, unit="words", help="Words read of each text.")
    vectors: Literal["none"] = choice("none", help="Initial word vectors: random.")


def prepare(config: RunConfig) -> Prepared:
    """Splits as on the built-in pages; a text is a row of ids, 0 for padding and 1 for unknown words."""
    return texts.prepare(config, CustomTextData)


_TRAINING = {"batch_size": 32, "learning_rate": 2e-3, "clip_norm": 1.0}

PROJECT = adopt(
    news.PROJECT,
    "custom_text",
    summary="Paste a PyTorch network that classifies texts.",
    datasets=("ag_news_15k", "ag_news", "trec6", "trec50", "imdb", "movie_reviews", "template_news"),
    data_config=CustomTextData,
    presets={
        "quick": {**_TRAINING, "epochs": 10, "rows": 6000, "vocabulary": 10_000},
        "full": {**_TRAINING, "epochs": 10, "length": 200, "schedule": "one_cycle"},
    },
    facts={"vocabulary": 10_000, "length": 64, "classes": 4},
    prepare=prepare,
    quick_settings=texts.quick_settings({"network": 60_000}),
)
