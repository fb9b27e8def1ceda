"""language/seq2seq, second part: a pretrained BERT learns to name a text's class, all of it or some of its layers."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.core import progress
from dlcore.core.config import parse
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.images import array_cache
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.data.text import bert_tokens
from dlcore.data.text import corpora as text
from dlcore.inference.predict import evaluation_mode
from dlcore.models.fine_tuned_bert import FineTuneConfig, FineTunedBert, FromScratchConfig, HeadConfig, LastLayersConfig
from dlcore.projects import classification
from dlcore.projects.language import bert_texts, questions, texts
from dlcore.projects.language.bert_texts import BertTextData
from dlcore.projects.language.explain import explain
from dlcore.projects.project import ModelEntry, Monitor, Project, RunConfig

SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
"""What decides a BERT's shape, by the names of a checkpoint's `config.json`."""
AT_ONCE = 64
_VERSION = 1


def prepare(config: RunConfig) -> Prepared:
    """The source's own test part, or a fifth drawn once; a tenth to validate on; cut into the BERT's own pieces. With
    the head alone trained the inputs are what it is given, (N, D), computed once and kept.

    Raises:
        ConfigError: less than all is to be trained on top of random weights.
        DataError: the dataset or the BERT is not on this machine, or reads fewer pieces than asked for.
    """
    options, plan = parse(BertTextData, config.data_options), _plan(config)
    taken = bert_texts.load(config, options)
    checkpoint, found, parts, said = taken.checkpoint, taken.found, taken.parts, taken.said
    if checkpoint.config.get("hidden_act", "gelu") != "gelu":
        act = checkpoint.config["hidden_act"]
        raise DataError(f"{checkpoint.name} is built with {act} instead of gelu: take another BERT.")
    pieces = bert_tokens.WordPieceTokenizer(checkpoint)
    ids = {name: pieces.encode(said[name], length=options.length, keep=options.keep) for name in SPLITS}
    facts = {name: int(checkpoint.config.get(name, 2)) for name in SIZES} | {"classes": len(found.names)}
    pooled = _pooled(checkpoint, plan, facts, ids) if plan.train == "head" else {}

    def split(name: SplitName) -> Split:
        targets, rows = torch.from_numpy(found.labels[parts[name]]), found.rows[parts[name]]
        if pooled:
            return Split((torch.from_numpy(np.array(pooled[name])),), targets, rows)
        lengths = np.array([len(row) for row in ids[name]])
        return Split((torch.from_numpy(bert_tokens.pad(ids[name])),), targets, rows, lengths=lengths)

    return Prepared(
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        facts=facts,
        preprocessing=texts.wordpiece_preprocessing(checkpoint, length=options.length, keep=options.keep),
        labels=found.names,
        checksum=found.checksum,
        source={"texts": said, "doubled": found.doubled},
        transform=None if pooled else texts.trim,
        start=None if plan.start == "random" else lambda module: _take_over(module, checkpoint),
    )


def _plan(config: RunConfig) -> FineTuneConfig:
    plan = parse(PROJECT.models[config.model].config, config.model_options)
    assert isinstance(plan, FineTuneConfig)
    if plan.start == "random" and (plan.train != "all" or not plan.words):
        raise ConfigError(
            f"train={plan.train}, words={str(plan.words).lower()} needs start=pretrained: from random weights all "
            "has to be learnt (train=all, words=true)."
        )
    return plan


def _take_over(module: nn.Module, checkpoint: bert_weights.Checkpoint) -> None:
    cast(FineTunedBert, module).take_over(checkpoint.state())


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Put into a network just built what its run did not learn, but took from the pretrained BERT.

    Raises:
        DataMissingError: the BERT is not on this machine.
        DataError: the one of that name is not the one that the run was made with.
    """
    if cast(FineTunedBert, module).options.start == "pretrained":
        _take_over(module, texts.checkpoint_of(preprocessing))


def _pooled(
    checkpoint: bert_weights.Checkpoint,
    plan: FineTuneConfig,
    facts: Mapping[str, int],
    ids: Mapping[SplitName, list[np.ndarray]],
) -> dict[SplitName, np.ndarray]:
    """What the untouched BERT gives the head of each split's texts (N, D) float32, computed once for these texts."""
    digest = hashlib.sha256(f"{_VERSION} {checkpoint.checksum} {plan.pooling}".encode())
    for name in SPLITS:
        digest.update(f"{name} {len(ids[name])} ".encode())
        for row in ids[name]:
            digest.update(len(row).to_bytes(4) + row.astype(np.int32).tobytes())

    def make(draft: Path) -> None:
        network = FineTunedBert(plan, config=facts, classes=2)
        network.take_over(checkpoint.state())
        done, total = 0, sum(len(rows) for rows in ids.values())
        for name in SPLITS:
            kept = np.zeros((len(ids[name]), facts["hidden_size"]), dtype=np.float32)
            for rows, values in _computed(network, ids[name]):
                kept[rows] = values
                done += len(rows)
                progress.report("Reading every text with the pretrained BERT, once", done, total)
            np.save(draft / f"{name}.npy", kept)

    place = array_cache.get_or_create("bert-pooled", digest.hexdigest(), make)
    return {name: array_cache.load(place / f"{name}.npy") for name in SPLITS}


def _computed(network: FineTunedBert, ids: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and what was pooled of them, texts of about the same length together."""
    order = np.argsort([len(row) for row in ids], kind="stable")
    with evaluation_mode(network):
        for rows in np.split(order, range(AT_ONCE, len(order), AT_ONCE)):
            few = torch.from_numpy(bert_tokens.pad([ids[row] for row in rows]))
            yield rows, network.pooled(few).numpy()


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Those of all texts; of questions the support vector machine on up to three words in a row too."""
    simpler = questions.baselines if config.dataset in questions.PROJECT.datasets else texts.baselines
    return simpler(prepared, config)


def build(options: FineTuneConfig, facts: Mapping[str, int]) -> nn.Module:
    """The network with random weights: what is pretrained is put in afterwards."""
    return FineTunedBert(options, config={name: facts[name] for name in SIZES}, classes=facts["classes"])


_RECIPE = {
    "batch_size": 32,
    "optimiser": "adamw",
    "weight_decay": 0.01,
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "learning_rate": 5e-4,
}
_HEAD = {
    "batch_size": 64,
    "optimiser": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "learning_rate": 3e-3,
    "epochs": 60,
    "clip_norm": 0.0,
}
_SCRATCH = {"learning_rate": 3e-4, "epochs": 12}

PROJECT = Project(
    slug="bert",
    section="language",
    title="Fine-tuning BERT",
    summary="A BERT that has read millions of sentences learns to sort texts from a few hundred examples.",
    datasets=("trec6", "trec50", "ag_news", "ag_news_15k", "movie_reviews", "imdb"),
    models={
        "all_layers": ModelEntry(
            title="BERT, all layers",
            summary="Every layer goes on learning, the lower the slower; the vectors of the words stay as they are.",
            build=build,
            config=FineTuneConfig,
        ),
        "last_layers": ModelEntry(
            title="BERT, last layers",
            summary="The lower layers stay as they are, the last ones go on learning under a new head.",
            build=build,
            config=LastLayersConfig,
        ),
        "head": ModelEntry(
            title="BERT, head alone",
            summary="BERT stays as it is and reads every text once; a new head learns from what it says, in seconds.",
            build=build,
            config=HeadConfig,
        ),
        "scratch": ModelEntry(
            title="BERT, from scratch",
            summary="The same network with nothing taken over: what the texts alone can teach.",
            build=build,
            config=FromScratchConfig,
        ),
    },
    data_config=BertTextData,
    presets={
        "quick": {
            **_RECIPE,
            "epochs": 2,
            "rows": 2000,
            "train_rows": 600,
            "length": 40,
            "head": {**_HEAD, "epochs": 30},
            "scratch": {**_SCRATCH, "epochs": 2},
        },
        "full": {
            **_RECIPE,
            "epochs": 4,
            "precision": "bf16-mixed",
            "last_layers": {"top_layers": 4},
            "head": {**_HEAD, "precision": "32-true"},
            "scratch": _SCRATCH,
        },
    },
    facts={
        "vocab_size": 30_522,
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "classes": 6,
    },
    prepare=prepare,
    objective=texts.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    answer=texts.answer,
    explain=explain,
    complete=complete,
    monitor=Monitor("validation_accuracy", "max"),  # the loss rises again with sureness, while more is right
    input_kind="text",
    input_limit=text.MAX_BYTES,
    own_data="text",
)
