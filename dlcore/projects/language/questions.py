"""language/questions: what does a question ask for? Recurrent networks over words, or over a BERT's states of them."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from dlcore.core.config import choice, number
from dlcore.core.errors import DataError
from dlcore.data.sources import bert_weights
from dlcore.data.splits import Prepared
from dlcore.data.text import corpora as text
from dlcore.data.text.vocabulary import Kind
from dlcore.evaluation import linear
from dlcore.models.frozen_bert_rnn import FrozenBertRnn, FrozenBertRnnConfig
from dlcore.models.recurrence import Cell
from dlcore.models.rnn_classifier import RnnClassifier, RnnClassifierConfig
from dlcore.projects import classification
from dlcore.projects.language import reviews_bert, texts
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Project, RunConfig


class QuestionsData(texts.TextData):
    """How questions become numbers."""

    length: int = number(40, low=8, high=1000, unit="pieces", help="Pieces of words read of each question.")
    tokens: Kind = choice(
        "wordpiece", help="Whole words, BERT's pieces of words, or pieces joined from the texts' own."
    )
    min_frequency: int = number(1, low=1, high=100, help="Times a piece must come in the training part to be known.")
    vectors: texts.Vectors = choice("glove", help="Vectors that the pieces start with: chance, or GloVe's.")


class BertGruConfig(FrozenBertRnnConfig):
    """Its sizes, and where BERT is read."""

    hidden: int = number(128, low=2, high=1024, help="Numbers that each layer remembers, in each direction.")
    bert: str = choice(
        bert_weights.OFFLINE, help="Name of the pretrained BERT, as on the Hugging Face hub (see data list)."
    )
    after_layer: int = number(
        4, low=1, high=96, help="Of BERT's layers the one whose states are read; the topmost tell less of the kind."
    )


BERT = "bert_gru"
"""The model that reads what a frozen BERT makes of each piece."""
READ = ("length", "keep", "balanced", "rows")
"""Of the data's settings those that it has: a BERT brings its own pieces of words, and its own numbers for them."""
UNREAD = tuple(name for name in QuestionsData.model_fields if name not in READ)


def prepare(config: RunConfig) -> Prepared:
    """The source's test part; a tenth of the rest to validate on; the pieces from the training part, or BERT's own."""
    if config.model != BERT:
        found = texts.prepare(config, QuestionsData)
        return replace(found, facts={**found.facts, "width": config.model_options["embedding"]})
    theirs = {name: config.data_options[name] for name in READ}
    theirs |= {name: config.model_options[name] for name in ("bert", "after_layer")}
    found = reviews_bert.prepare(config.model_copy(update={"data_options": theirs}))
    pieces = len(bert_weights.require(theirs["bert"]).vocabulary)
    return replace(found, facts={**found.facts, "vocabulary": pieces})


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Hand the network that reads BERT's states the BERT that its run read with; the others lack nothing."""
    if isinstance(module, FrozenBertRnn):
        reviews_bert.complete(module, preprocessing)


def needs(config: RunConfig) -> tuple[str, ...]:
    """The pretrained BERT, or what every text needs."""
    if config.model == BERT:
        return (f"{bert_weights.PREFIX}{config.model_options['bert']}",)
    return texts.needs(config)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Those of all texts, and a linear support vector machine on up to three words in a row."""
    said, targets = prepared.source["texts"], prepared.train.targets.numpy()
    classes = prepared.facts["classes"]
    found = texts.baselines(prepared, config)
    with contextlib.suppress(DataError):
        scores = linear.trigram_svm(said["train"], targets, said["test"], classes=classes)
        measured = classification.compute_metrics(scores, prepared.test.targets.numpy())
        found["trigram_svm"] = texts.drop_probability_metrics(measured)
    return found


def _build(cell: Cell) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    def build(options: RnnClassifierConfig, facts: Mapping[str, int]) -> nn.Module:
        return RnnClassifier(options, cell=cell, vocabulary=facts["vocabulary"], classes=facts["classes"])

    return build


def _over_bert(options: BertGruConfig, facts: Mapping[str, int]) -> nn.Module:
    return FrozenBertRnn(options, cell="gru", width=facts["width"], classes=facts["classes"])


_CELLS: dict[Cell, tuple[str, str]] = {
    "gru": ("GRU", "A state with two gates: how much of it to forget, and how much to write anew (Cho et al. 2014)."),
    "lstm": ("LSTM", "A state and a cell behind three gates (Hochreiter & Schmidhuber 1997)."),
    "rnn": ("Plain RNN", "The state is rewritten at every word, without a gate (Elman 1990)."),
}
_RECIPE = {"batch_size": 32, "learning_rate": 2e-3, "clip_norm": 1.0, "schedule": "one_cycle"}

PROJECT = Project(
    slug="questions",
    section="language",
    title="What questions ask for",
    summary="Tell from a question whether a person, a place, a number or a thing is asked for: RNN, GRU and LSTM.",
    datasets=("trec6", "trec50"),
    models={
        cell: ModelEntry(title=title, summary=summary, build=_build(cell), config=RnnClassifierConfig)
        for cell, (title, summary) in _CELLS.items()
    }
    | {
        BERT: ModelEntry(
            title="GRU over BERT",
            summary="A BERT that stays as it is reads every question once; a GRU reads what it made of each piece.",
            build=_over_bert,
            config=BertGruConfig,
            unread=UNREAD,
        )
    },
    data_config=QuestionsData,
    presets={
        "quick": {**_RECIPE, "epochs": 4, "hidden": 64},
        "full": {
            **_RECIPE,
            "epochs": 16,
            "hidden": 200,
            "rnn": {"learning_rate": 1e-3},
            BERT: {"epochs": 8, "hidden": 128, "learning_rate": 1e-3},
        },
    },
    facts={"vocabulary": 8_000, "length": 40, "classes": 6, "width": 384},
    prepare=prepare,
    objective=texts.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    answer=texts.answer,
    explain=explain,
    needs=needs,
    complete=complete,
    input_kind="text",
    input_limit=text.MAX_BYTES,
    own_data="text",
)
