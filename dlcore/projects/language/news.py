"""language/news: what kind of news is a headline? A Transformer encoder written out after the paper."""

from dlcore.core.config import choice, number
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.models.news_encoder import ImprovedEncoderConfig, NewsEncoder, NewsEncoderConfig
from dlcore.projects import classification
from dlcore.projects.language import texts
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Project, RunConfig


class NewsData(texts.TextData):
    """How headlines become numbers."""

    length: int = number(128, low=8, high=1000, unit="words", help="Words read of each text.")
    vocabulary: int = number(30_000, low=100, high=200_000, unit="words", help="Most frequent words known.", log=True)
    vectors: texts.Vectors = choice("glove", help="Vectors that the words start with: chance, or GloVe's.")


def prepare(config: RunConfig) -> Prepared:
    """The source's test part; a tenth of the rest to validate on; the vocabulary from the training part."""
    return texts.prepare(config, NewsData)


_RECIPE = {"batch_size": 32, "learning_rate": 5e-4, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = Project(
    slug="news",
    section="language",
    title="News with a Transformer",
    summary="Tell world, sports, business and science news apart with an encoder written out after the paper.",
    datasets=("ag_news", "ag_news_15k"),
    models={
        "encoder": ModelEntry(
            title="Transformer encoder",
            summary="GloVe's vectors as they are, sines for places, four encoder layers, the mean over the words.",
            build=texts.build_with(NewsEncoder),
            config=NewsEncoderConfig,
        ),
        "improved_encoder": ModelEntry(
            title="Improved encoder",
            summary="Word vectors that learn too, words left out at random, even classes, and one layer.",
            build=texts.build_with(NewsEncoder),
            config=ImprovedEncoderConfig,
        ),
    },
    data_config=NewsData,
    presets={
        "quick": {
            **_RECIPE,
            "epochs": 1,
            "rows": 6000,
            "length": 64,
            "layers": 2,
            "feed_forward": 256,
        },
        "full": {
            **_RECIPE,
            "epochs": 6,
            "balanced": True,
            "encoder": {"word_dropout": 0.15},
            "improved_encoder": {"epochs": 4, "learning_rate": 1.5e-3, "length": 96},
        },
    },
    facts={"vocabulary": 102_016, "length": 128, "classes": 4},
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
