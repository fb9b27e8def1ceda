"""language/reviews_bert: does a film review like the film? A frozen BERT reads it, a recurrent network judges."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.core import devices
from dlcore.core.config import choice, number, parse
from dlcore.core.errors import ConfigError
from dlcore.data.splits import Prepared, Split
from dlcore.data.text import bert_tokens
from dlcore.data.text import corpora as text
from dlcore.data.text.token_states import TokenStates
from dlcore.models import bert
from dlcore.models.frozen_bert_rnn import FrozenBertRnn, FrozenBertRnnConfig
from dlcore.models.recurrence import Cell
from dlcore.projects import classification
from dlcore.projects.language import bert_features, bert_texts, texts
from dlcore.projects.language.bert_texts import BertTextData
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Project, RunConfig


class ReviewsBertData(BertTextData):
    """Which BERT reads the reviews, how much of each, and after which layer its states are taken."""

    length: int = number(
        256, low=8, high=512, unit="pieces", help="Pieces of words read of each text, [CLS] and [SEP] among them."
    )
    keep: bert_tokens.Keep = choice("both", help="Which part of a longer text is read; both: a quarter is its start.")
    after_layer: int = number(
        4, low=1, high=96, help="Of BERT's layers the one whose states are read; the topmost tell less of the tone."
    )


def prepare(config: RunConfig) -> Prepared:
    """The source's own test part, or a fifth drawn once; a tenth to validate on; every text read by BERT once.

    The splits hold numbers of texts, and a batch gathers their tokens' states.

    Raises:
        ConfigError: the BERT reads fewer tokens at once, or has fewer layers, than asked for.
        DataError: the dataset or the BERT is not on this machine, or its states need more room than there is.
    """
    options = parse(ReviewsBertData, config.data_options)
    taken = bert_texts.load(config, options)
    checkpoint, found, parts = taken.checkpoint, taken.found, taken.parts
    layers = int(checkpoint.config["num_hidden_layers"])
    if options.after_layer > layers:
        raise ConfigError(f"after_layer={options.after_layer}: {checkpoint.name} has {layers} layers.")
    used = np.sort(np.concatenate(list(parts.values())))  # in the source's order: another seed finds the same chunks
    states = bert_features.compute_states(
        [found.texts[row] for row in used],
        bert_features.FeatureConfig(
            checkpoint, options.length, options.keep, options.after_layer, devices.resolve(config.device)
        ),
        rows=used,
    )
    splits = {
        name: _split(np.searchsorted(used, rows), found.labels[rows], found.rows[rows], states)
        for name, rows in parts.items()
    }
    return Prepared(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={"width": checkpoint.width, "length": options.length, "classes": len(found.names)},
        preprocessing={
            **texts.wordpiece_preprocessing(checkpoint, length=options.length, keep=options.keep),
            "after_layer": options.after_layer,
        },
        labels=found.names,
        checksum=found.checksum,
        source={"texts": taken.said, "doubled": found.doubled},
        transform=lambda inputs, training: states.gather(inputs[0]),
    )


def _split(places: np.ndarray, labels: np.ndarray, rows: np.ndarray, states: TokenStates) -> Split:
    numbers = torch.from_numpy(places.astype(np.int64))
    return Split((numbers,), torch.from_numpy(labels), rows, lengths=states.lengths[places])


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Hand a network just built the BERT that its run read with.

    Raises:
        DataMissingError: the BERT is not on this machine.
        DataError: the one of that name is not the one that the run was made with.
    """
    checkpoint, layer = texts.checkpoint_of(preprocessing), int(preprocessing.get("after_layer", 0))
    cast(FrozenBertRnn, module).attach(bert.pretrained(checkpoint.config, checkpoint.state(), layer=layer))


def _build(cell: Cell) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    def build(options: Any, facts: Mapping[str, int]) -> nn.Module:
        return FrozenBertRnn(options, cell=cell, width=facts["width"], classes=facts["classes"])

    return build


_RECIPE = {
    "batch_size": 32,
    "clip_norm": 1.0,
    "schedule": "one_cycle",
    "optimiser": "adamw",
    "learning_rate": 4e-3,
    "dropout": 0.2,
}

PROJECT = Project(
    slug="reviews_bert",
    section="language",
    title="Film reviews with BERT",
    summary="A BERT that has read millions of sentences turns a film review into numbers; a GRU or an LSTM judges it.",
    datasets=("imdb", "movie_reviews"),
    models={
        "gru": ModelEntry(
            title="GRU over BERT",
            summary="BERT stays as it is and reads every review once; a two-way GRU reads what it made of each word.",
            build=_build("gru"),
            config=FrozenBertRnnConfig,
        ),
        "lstm": ModelEntry(
            title="LSTM over BERT",
            summary="The same with an LSTM, which keeps a second memory and has a third more weights.",
            build=_build("lstm"),
            config=FrozenBertRnnConfig,
        ),
    },
    data_config=ReviewsBertData,
    presets={
        "quick": {**_RECIPE, "epochs": 3, "rows": 3000, "length": 64, "hidden": 32},
        "full": {**_RECIPE, "epochs": 3, "length": 128},
    },
    facts={"width": 384, "length": 256, "classes": 2},
    prepare=prepare,
    objective=texts.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=texts.baselines,
    answer=texts.answer,
    explain=explain,
    complete=complete,
    input_kind="text",
    input_limit=text.MAX_BYTES,
    own_data="text",
)
