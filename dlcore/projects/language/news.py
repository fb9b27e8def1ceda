"""language/news: topic classification of headlines with a Transformer encoder."""

from dlcore.core.config import choice, number
from dlcore.data.splits import Prepared
from dlcore.models.news_encoder import ImprovedEncoderConfig, NewsEncoder, NewsEncoderConfig
from dlcore.projects.language import ngrams, texts
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig


class NewsData(texts.TextData):
    """Tokenization of headlines."""

    length: int = number(128, low=8, high=1000, unit="words", help="Words read of each text.")
    vocabulary: int = number(30_000, low=100, high=200_000, unit="words", help="Size of the vocabulary.", log=True)
    vectors: texts.Vectors = choice("glove", help="Initial word vectors: random or GloVe.")


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source, a tenth of the rest for validation; vocabulary from the training split."""
    return texts.prepare(config, NewsData)


_TRAINING = {"batch_size": 32, "learning_rate": 5e-4, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = TextProject(
    slug="news",
    title="News classification",
    summary="Classify news as world, sports, business or science with a Transformer encoder.",
    datasets=("ag_news", "ag_news_15k", "template_news"),
    models={
        "encoder": ModelEntry(
            title="Transformer encoder",
            summary="Frozen GloVe vectors, sinusoidal positions, four encoder layers, mean pooling.",
            build=texts.build_with(NewsEncoder),
            config=NewsEncoderConfig,
        ),
        "improved_encoder": ModelEntry(
            title="Improved encoder",
            summary="Trained word vectors, word dropout, balanced classes, one layer.",
            build=texts.build_with(NewsEncoder),
            config=ImprovedEncoderConfig,
        ),
        **ngrams.MODELS,
    },
    data_config=NewsData,
    presets={
        "quick": {
            **_TRAINING,
            "epochs": 1,
            "rows": 6000,
            "length": 64,
            "layers": 2,
            "feed_forward": 256,
            **ngrams.PRESETS,
        },
        "full": {
            **_TRAINING,
            "epochs": 6,
            "balanced": True,
            "encoder": {"word_dropout": 0.15},
            "improved_encoder": {"epochs": 4, "learning_rate": 1.5e-3, "length": 96},
            **ngrams.PRESETS,
        },
    },
    facts={"vocabulary": 102_016, "length": 128, "classes": 4},
    prepare=prepare,
    needs=texts.needs,
    quick_settings=texts.quick_settings({"encoder": 12_000, "improved_encoder": 18_000}),
    fallbacks={"glove": {"encoder": {"vectors": "none", "frozen": False}, "improved_encoder": {"vectors": "none"}}},
    suggest_model=lambda dataset: "improved_encoder",
)
