"""language/questions: question classification with recurrent networks over tokens or BERT states."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from dlcore.core.config import choice, number, parse
from dlcore.core.errors import DataError
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.sources import bert_weights
from dlcore.data.sources import locate as sources
from dlcore.data.splits import Prepared
from dlcore.data.text.vocabulary import Kind
from dlcore.evaluation import linear
from dlcore.models.frozen_bert_rnn import FrozenBertRnn, FrozenBertRnnConfig
from dlcore.models.recurrence import Cell
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig
from dlcore.projects import classification
from dlcore.projects.language import ngrams, reviews_bert, texts
from dlcore.projects.language.learning import LearningOptions
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig


class QuestionsData(texts.TextData):
    """Tokenization of questions."""

    length: int = number(40, low=8, high=1000, unit="tokens", help="Tokens read of each question.")
    tokens: Kind = choice(
        "wordpiece", help="Tokenizer: words, BERT's WordPiece, or byte-pair encoding of the training texts."
    )
    min_frequency: int = number(1, low=1, high=100, help="Minimum count of a token in the training split.")
    vectors: texts.Vectors = choice("glove", help="Initial token vectors: random or GloVe.")


class BertGruConfig(FrozenBertRnnConfig):
    """Size of the GRU, and the layer of BERT."""

    hidden: int = number(128, low=2, high=1024, help="Hidden size per direction.")
    bert: str = choice(
        bert_weights.OFFLINE, help="Pretrained BERT, by its name on the Hugging Face hub (see data list)."
    )
    after_layer: int = number(
        4, low=1, high=96, help="BERT layer whose states are read; the top layers are less informative."
    )


BERT = "bert_gru"
"""The model that reads the states of a frozen BERT."""
READ = ("length", "keep", "balanced", "rows", "folds", "fold", *LearningOptions.model_fields)
"""Data settings that it uses; tokenizer and vectors come from BERT."""
IGNORED = tuple(name for name in QuestionsData.model_fields if name not in READ)


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source, a tenth of the rest for validation; tokens from the training split or BERT's."""
    if config.model != BERT:
        prepared = texts.prepare(config, QuestionsData)
        width = 1 if ngrams.options_of(config) else config.model_as(RnnClassifierConfig).embedding
        return replace(prepared, facts={**prepared.facts, "width": width})
    options = config.model_as(BertGruConfig)
    data = parse(
        reviews_bert.ReviewsBertData,
        {**config.data_options.model_dump(include=set(READ)), "bert": options.bert, "after_layer": options.after_layer},
    )
    prepared = reviews_bert.prepare(config.model_copy(update={"data_options": data}))
    vocabulary = len(bert_weights.require(options.bert).vocabulary)
    return replace(prepared, facts={**prepared.facts, "vocabulary": vocabulary})


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Load the pretrained BERT into the model that reads its states."""
    if isinstance(module, FrozenBertRnn):
        reviews_bert.complete(module, preprocessing)


def needs(config: RunConfig) -> tuple[str, ...]:
    """The pretrained BERT, or vectors and vocabulary."""
    if config.model == BERT:
        return (f"{bert_weights.PREFIX}{config.model_as(BertGruConfig).bert}",)
    return texts.needs(config)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Baselines of all texts, and a linear SVM on word trigrams."""
    texts_by_split, targets = prepared.source["texts"], prepared.train.targets.numpy()
    classes = prepared.facts["classes"]
    metrics = texts.baselines(prepared, config)
    with contextlib.suppress(DataError):
        scores = linear.trigram_svm(texts_by_split["train"], targets, texts_by_split["test"], classes=classes)
        measured = classification.compute_metrics(scores, prepared.test.targets.numpy())
        metrics["trigram_svm"] = classification.drop_probability_metrics(measured)
    return metrics


def quick_settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Epochs and texts of the quick preset: BERT reads every text once, which takes longer than the epochs."""
    return (_QUICK_BERT if model == BERT else _QUICK_WORDS)(dataset, model, values)


_QUICK_BERT = texts.quick_settings({BERT: 30_000}, most_rows=2000)
_QUICK_WORDS = texts.quick_settings({"gru": 20_000, "lstm": 20_000, "rnn": 20_000})


def _build(cell: Cell) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    def build(options: RnnClassifierConfig, facts: Mapping[str, int]) -> nn.Module:
        return RnnClassifier(options, cell=cell, vocabulary=facts["vocabulary"], classes=facts["classes"])

    return build


def _over_bert(options: BertGruConfig, facts: Mapping[str, int]) -> nn.Module:
    return FrozenBertRnn(options, cell="gru", width=facts["width"], classes=facts["classes"])


_CELLS: dict[Cell, tuple[str, str]] = {
    "gru": ("GRU", "Gated recurrent unit with reset and update gates (Cho et al. 2014)."),
    "lstm": ("LSTM", "A state and a cell with three gates (Hochreiter & Schmidhuber 1997)."),
    "rnn": ("Plain RNN", "Recurrent network without gates (Elman 1990)."),
}
_TRAINING = {"batch_size": 32, "learning_rate": 2e-3, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = TextProject(
    slug="questions",
    title="Question classification",
    summary="Classify what a question asks for (a person, a place, a number) with an RNN, GRU or LSTM.",
    datasets=("trec6", "trec50", "template_questions"),
    models={
        cell: ModelEntry(title=title, summary=summary, build=_build(cell), config=RnnClassifierConfig)
        for cell, (title, summary) in _CELLS.items()
    }
    | {
        BERT: ModelEntry(
            title="GRU over BERT",
            summary="A GRU over the token states of a frozen BERT.",
            build=_over_bert,
            config=BertGruConfig,
            ignored_settings=IGNORED,
        )
    }
    | ngrams.MODELS
    | ngrams.RULES,
    data_config=QuestionsData,
    presets={
        "quick": {**_TRAINING, "epochs": 4, "hidden": 64, **ngrams.PRESETS, "rules": ngrams.PRESET},
        "full": {
            **_TRAINING,
            "epochs": 16,
            "hidden": 200,
            "rnn": {"learning_rate": 1e-3},
            BERT: {"epochs": 8, "hidden": 128, "learning_rate": 1e-3},
            **ngrams.PRESETS,
            "rules": ngrams.PRESET,
        },
    },
    facts={"vocabulary": 8_000, "length": 40, "classes": 6, "width": 384},
    prepare=prepare,
    baselines=baselines,
    needs=needs,
    complete=complete,
    quick_settings=quick_settings,
    fallbacks={"glove": {cell: {"vectors": "none"} for cell in _CELLS}},
    suggest_model=lambda dataset: (
        BERT if sources.is_available(f"{bert_weights.PREFIX}{bert_weights.OFFLINE}") else "gru"
    ),
)
