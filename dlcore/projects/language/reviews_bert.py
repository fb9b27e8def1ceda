"""language/reviews_bert: sentiment analysis with a recurrent network over a frozen BERT."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.core import devices
from dlcore.core.config import choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.splits import Prepared, Split
from dlcore.data.text import bert_tokens
from dlcore.data.text.token_states import TokenStates
from dlcore.models import bert
from dlcore.models.frozen_bert_rnn import FrozenBertRnn, FrozenBertRnnConfig
from dlcore.models.recurrence import Cell
from dlcore.projects.language import bert_features, bert_texts, texts
from dlcore.projects.language.bert_texts import BertTextData
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry
from dlcore.projects.run_config import RunConfig


class ReviewsBertData(BertTextData):
    """Pretrained BERT, length, and the layer of its states."""

    length: int = number(
        256, low=8, high=512, unit="tokens", help="Tokens read of each text, including [CLS] and [SEP]."
    )
    keep: bert_tokens.Keep = choice("both", help="Part of a longer text that is read; both: a quarter from its start.")
    after_layer: int = number(
        4, low=1, high=96, help="BERT layer whose states are read; the top layers are less informative."
    )


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source or a fifth of all, a tenth for validation; cached BERT states.

    Splits hold row numbers; a batch gathers the token states.

    Raises:
        ConfigError: `length` or `after_layer` exceeds the BERT's maximum.
        DataError: the dataset or the BERT is missing, or disk space is too small.
    """
    options = config.data_as(ReviewsBertData)
    data = bert_texts.load(config, options)
    checkpoint, dataset, parts = data.checkpoint, data.dataset, data.parts
    layers = int(checkpoint.config["num_hidden_layers"])
    if options.after_layer > layers:
        raise ConfigError(f"after_layer={options.after_layer}: {checkpoint.name} has {layers} layers.")
    used, states = bert_features.states_of(
        data,
        bert_features.FeatureConfig(
            checkpoint, options.length, options.keep, options.after_layer, devices.resolve(config.device)
        ),
    )
    splits = {
        name: _split(np.searchsorted(used, rows), dataset.labels[rows], dataset.rows[rows], states)
        for name, rows in parts.items()
    }
    return Prepared(
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        facts={"width": checkpoint.width, "length": options.length, "classes": len(dataset.names)},
        preprocessing={
            **texts.wordpiece_preprocessing(checkpoint, length=options.length, keep=options.keep),
            "after_layer": options.after_layer,
            "frozen_parameters": bert.count_parameters(checkpoint.config, layer=options.after_layer),
        },
        labels=dataset.names,
        checksum=dataset.checksum,
        source={"texts": data.texts_by_split, "doubled": dataset.doubled},
        transform=lambda inputs, training: states.gather(inputs[0]),
    )


def _split(places: np.ndarray, labels: np.ndarray, rows: np.ndarray, states: TokenStates) -> Split:
    numbers = torch.from_numpy(places.astype(np.int64))
    return Split((numbers,), torch.from_numpy(labels), rows, lengths=states.lengths[places])


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Load the run's pretrained BERT into a network just built.

    Raises:
        DataMissingError: the BERT is not on this machine.
        DataError: the BERT differs from the one of the run.
    """
    checkpoint, layer = texts.checkpoint_of(preprocessing), int(preprocessing.get("after_layer", 0))
    cast(FrozenBertRnn, module).attach(bert.pretrained(checkpoint.config, checkpoint.state(), layer=layer))


def _build(cell: Cell) -> Callable[[Any, Mapping[str, int]], nn.Module]:
    def build(options: Any, facts: Mapping[str, int]) -> nn.Module:
        return FrozenBertRnn(options, cell=cell, width=facts["width"], classes=facts["classes"])

    return build


_TRAINING = {
    "batch_size": 32,
    "clip_norm": 1.0,
    "schedule": "one_cycle",
    "optimizer": "adamw",
    "learning_rate": 4e-3,
    "dropout": 0.2,
}

PROJECT = TextProject(
    slug="reviews_bert",
    title="Sentiment analysis with BERT",
    summary="Classify film reviews with a GRU or LSTM on the states of a frozen BERT.",
    datasets=("imdb", "movie_reviews"),
    models={
        "gru": ModelEntry(
            title="GRU over BERT",
            summary="A bidirectional GRU over the token states of a frozen BERT.",
            build=_build("gru"),
            config=FrozenBertRnnConfig,
        ),
        "lstm": ModelEntry(
            title="LSTM over BERT",
            summary="A bidirectional LSTM over the token states of a frozen BERT.",
            build=_build("lstm"),
            config=FrozenBertRnnConfig,
        ),
    },
    data_config=ReviewsBertData,
    presets={
        "quick": {**_TRAINING, "epochs": 3, "rows": 3000, "length": 64, "hidden": 32},
        "full": {**_TRAINING, "epochs": 3, "length": 128},
    },
    facts={"width": 384, "length": 256, "classes": 2},
    prepare=prepare,
    complete=complete,
    quick_settings=texts.quick_settings({"gru": 30_000, "lstm": 30_000}, most_rows=1500),
)
