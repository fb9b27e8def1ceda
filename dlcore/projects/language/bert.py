"""language/bert: fine-tuning of a pretrained BERT, all or some of its layers, for text classification."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from dlcore.core import devices, progress
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.images import array_cache
from dlcore.data.sources import bert_weights
from dlcore.data.splits import SPLITS, Prepared, Split, SplitName
from dlcore.data.text import bert_tokens
from dlcore.inference.predict import evaluation_mode
from dlcore.models.fine_tuned_bert import FineTuneConfig, FineTunedBert, FromScratchConfig, HeadConfig, LastLayersConfig
from dlcore.projects.language import bert_features, bert_texts, questions, texts
from dlcore.projects.language.bert_texts import BertTextData
from dlcore.projects.language.text_project import TextProject
from dlcore.projects.project import ModelEntry, Monitor
from dlcore.projects.run_config import RunConfig

SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
"""Size parameters of a BERT, as in a checkpoint's `config.json`."""
AT_ONCE = 64
_VERSION = 1


def prepare(config: RunConfig) -> Prepared:
    """Test split of the source or a fifth of all, a tenth for validation; tokens of the BERT.

    If only the head is trained, the inputs are its cached inputs (N, D); with `cache_frozen`, row numbers for which a
    batch gathers the cached states below the first trained layer.

    Raises:
        ConfigError: random weights without training all of them.
        DataError: the dataset or the BERT is missing, or its maximum length is smaller than requested.
    """
    options, plan = config.data_as(BertTextData), _plan(config)
    data = bert_texts.load(config, options)
    checkpoint, dataset, parts, texts_by_split = data.checkpoint, data.dataset, data.parts, data.texts_by_split
    if checkpoint.config.get("hidden_act", "gelu") != "gelu":
        act = checkpoint.config["hidden_act"]
        raise DataError(f"{checkpoint.name} is built with {act} instead of gelu: use another BERT.")
    facts = {name: int(checkpoint.config.get(name, 2)) for name in SIZES} | {"classes": len(dataset.names)}
    preprocessing = texts.wordpiece_preprocessing(checkpoint, length=options.length, keep=options.keep)
    if plan.train == "last_layers" and plan.cache_frozen:
        return _prepare_cached(config, data, facts, preprocessing)
    tokenizer = bert_tokens.WordPieceTokenizer(checkpoint)
    ids = {name: tokenizer.encode(texts_by_split[name], length=options.length, keep=options.keep) for name in SPLITS}
    pooled = _pooled(checkpoint, plan, facts, ids) if plan.train == "head" else {}

    def split(name: SplitName) -> Split:
        targets, rows = torch.from_numpy(dataset.labels[parts[name]]), dataset.rows[parts[name]]
        if pooled:
            return Split((torch.from_numpy(np.array(pooled[name])),), targets, rows)
        lengths = np.array([len(row) for row in ids[name]])
        return Split((torch.from_numpy(bert_tokens.pad(ids[name])),), targets, rows, lengths=lengths)

    return Prepared(
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        facts=facts,
        preprocessing=preprocessing,
        labels=dataset.names,
        checksum=dataset.checksum,
        source={"texts": texts_by_split, "doubled": dataset.doubled},
        transform=None if pooled else texts.trim,
        start=None if plan.initialization == "random" else lambda module: _take_over(module, checkpoint),
    )


def _prepare_cached(
    config: RunConfig, data: bert_texts.BertTexts, facts: Mapping[str, int], preprocessing: Mapping[str, Any]
) -> Prepared:
    """Row numbers as inputs; `transform` gathers the cached states below the first trained layer."""
    options, plan = config.data_as(BertTextData), _plan(config)
    layer = facts["num_hidden_layers"] - plan.top_layers
    if layer < 1:
        raise ConfigError(f"cache_frozen=true, top_layers={plan.top_layers}: no frozen layer is left; use fewer.")
    used, states = bert_features.states_of(
        data,
        bert_features.FeatureConfig(
            data.checkpoint, options.length, options.keep, layer, devices.resolve(config.device)
        ),
    )

    def split(name: SplitName) -> Split:
        rows = data.parts[name]
        places = np.searchsorted(used, rows)
        numbers, targets = torch.from_numpy(places), torch.from_numpy(data.dataset.labels[rows])
        return Split((numbers,), targets, data.dataset.rows[rows], lengths=states.lengths[places])

    return Prepared(
        train=split("train"),
        validation=split("validation"),
        test=split("test"),
        facts=facts,
        preprocessing=preprocessing,
        labels=data.dataset.names,
        checksum=data.dataset.checksum,
        source={"texts": data.texts_by_split, "doubled": data.dataset.doubled},
        transform=lambda inputs, training: states.gather(inputs[0]),
        start=lambda module: _take_over(module, data.checkpoint),
    )


def _plan(config: RunConfig) -> FineTuneConfig:
    plan = config.model_as(FineTuneConfig)
    if plan.initialization == "random" and (plan.train != "all" or not plan.train_embeddings):
        raise ConfigError(
            f"train={plan.train}, train_embeddings={str(plan.train_embeddings).lower()} needs "
            "initialization=pretrained: random weights need train=all and train_embeddings=true."
        )
    return plan


def _take_over(module: nn.Module, checkpoint: bert_weights.Checkpoint) -> None:
    cast(FineTunedBert, module).load_pretrained(checkpoint.state())


def complete(module: nn.Module, preprocessing: Mapping[str, Any]) -> None:
    """Load the pretrained weights that a bundle leaves out.

    Raises:
        DataMissingError: the BERT is not on this machine.
        DataError: the BERT differs from the one of the run.
    """
    if cast(FineTunedBert, module).options.initialization == "pretrained":
        _take_over(module, texts.checkpoint_of(preprocessing))


def _pooled(
    checkpoint: bert_weights.Checkpoint,
    plan: FineTuneConfig,
    facts: Mapping[str, int],
    ids: Mapping[SplitName, list[np.ndarray]],
) -> dict[SplitName, np.ndarray]:
    """Pooled outputs of the pretrained BERT per split (N, D) float32, cached for these texts."""
    digest = hashlib.sha256(f"{_VERSION} {checkpoint.checksum} {plan.pooling}".encode())
    for name in SPLITS:
        digest.update(f"{name} {len(ids[name])} ".encode())
        for row in ids[name]:
            digest.update(len(row).to_bytes(4) + row.astype(np.int32).tobytes())

    def make(draft: Path) -> None:
        network = FineTunedBert(plan, config=facts, classes=2)
        network.load_pretrained(checkpoint.state())
        done, total = 0, sum(len(rows) for rows in ids.values())
        for name in SPLITS:
            cached = np.zeros((len(ids[name]), facts["hidden_size"]), dtype=np.float32)
            for rows, values in _computed(network, ids[name]):
                cached[rows] = values
                done += len(rows)
                progress.report("Encoding texts with the pretrained BERT (cached)", done, total)
            np.save(draft / f"{name}.npy", cached)

    place = array_cache.get_or_create("bert-pooled", digest.hexdigest(), make)
    return {name: array_cache.load(place / f"{name}.npy") for name in SPLITS}


def _computed(network: FineTunedBert, ids: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and pooled outputs, in batches of similar length."""
    order = np.argsort([len(row) for row in ids], kind="stable")
    with evaluation_mode(network):
        for rows in np.split(order, range(AT_ONCE, len(order), AT_ONCE)):
            few = torch.from_numpy(bert_tokens.pad([ids[row] for row in rows]))
            yield rows, network.pooled(few).numpy()


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Baselines of all texts; for questions also a trigram SVM."""
    compute = questions.baselines if config.dataset in questions.PROJECT.datasets else texts.baselines
    return compute(prepared, config)


def build(options: FineTuneConfig, facts: Mapping[str, int]) -> nn.Module:
    """The network with random weights; pretrained ones are loaded afterwards."""
    return FineTunedBert(options, config={name: facts[name] for name in SIZES}, classes=facts["classes"])


_TRAINING = {
    "batch_size": 32,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "learning_rate": 5e-4,
}
_HEAD = {
    "batch_size": 64,
    "optimizer": "adamw",
    "weight_decay": 0.01,
    "schedule": "cosine",
    "learning_rate": 3e-3,
    "epochs": 60,
    "clip_norm": 0.0,
}
_SCRATCH = {"learning_rate": 3e-4, "epochs": 12}

PROJECT = TextProject(
    slug="bert",
    title="Fine-tuning BERT",
    summary="Fine-tune a pretrained BERT to classify texts from a few hundred examples.",
    # The loss rises with overconfidence while accuracy still improves.
    task=replace(texts.TEXT_CLASSIFICATION, monitor=Monitor("validation_accuracy", "max")),
    datasets=("trec6", "trec50", "ag_news", "ag_news_15k", "movie_reviews", "imdb"),
    models={
        "all_layers": ModelEntry(
            title="BERT, all layers",
            summary="Fine-tunes every layer with layer-wise learning rate decay; word embeddings are frozen.",
            build=build,
            config=FineTuneConfig,
        ),
        "last_layers": ModelEntry(
            title="BERT, last layers",
            summary="Fine-tunes the last layers under a new head; lower layers are frozen.",
            build=build,
            config=LastLayersConfig,
        ),
        "head": ModelEntry(
            title="BERT, head only",
            summary="Frozen BERT; a new head trains on its pooled output, computed once.",
            build=build,
            config=HeadConfig,
        ),
        "scratch": ModelEntry(
            title="BERT, from scratch",
            summary="The same network from random weights.",
            build=build,
            config=FromScratchConfig,
        ),
    },
    data_config=BertTextData,
    presets={
        "quick": {
            **_TRAINING,
            "epochs": 2,
            "rows": 2000,
            "train_rows": 600,
            "length": 40,
            "head": {**_HEAD, "epochs": 30},
            "scratch": {**_SCRATCH, "epochs": 2},
        },
        "full": {
            **_TRAINING,
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
    baselines=baselines,
    complete=complete,
    quick_settings=texts.quick_settings(
        {"all_layers": 250, "last_layers": 500, "head": 100_000, "scratch": 250}, most_rows=2000
    ),
    suggest_model=lambda dataset: "head",
)
