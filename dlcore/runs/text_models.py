"""Text classifiers of one dataset compared: what they learned from, accuracy, training time, size and latency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from dlcore.core.errors import WorkbenchError
from dlcore.evaluation.metrics import baseline_title
from dlcore.inference import cost
from dlcore.models.fine_tuned_bert import FineTuneConfig
from dlcore.models.frozen_bert_rnn import FrozenBertRnnConfig
from dlcore.models.ngram_classifier import NgramConfig
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.inference import open_bundle
from dlcore.runs.run import Run

SCRATCH, GLOVE, DISTILLED = "from scratch", "GloVe vectors", "distilled"
FROZEN, FINE_TUNED, BAG = "frozen BERT", "fine-tuned BERT", "bag of words"
WAYS = (SCRATCH, GLOVE, DISTILLED, FROZEN, FINE_TUNED, BAG)
"""What a text classifier starts from."""
SENTENCE = "the plot is thin but the actors are so good that the audience never wanted it to end before midnight and "
"""Repeated to the number of words whose latency is measured."""


@dataclass(frozen=True)
class TextModel:
    """One trained model, or a baseline of a run without its own costs (None)."""

    name: str
    run_id: str
    way: str
    accuracy: float
    low: float
    high: float
    n: int
    seconds: float | None = None
    parameters: int | None = None
    stored_bytes: int | None = None


def name_way(config: RunConfig) -> str:
    """Return what a text classifier started from, one of `WAYS`."""
    options = config.model_options
    if config.flat.get("teacher"):
        return DISTILLED
    if isinstance(options, FineTuneConfig) and options.initialization == "pretrained":
        return FROZEN if options.train == "head" else FINE_TUNED
    if isinstance(options, FrozenBertRnnConfig):
        return FROZEN
    if isinstance(options, NgramConfig):
        return BAG
    return GLOVE if config.flat.get("vectors") == "glove" else SCRATCH


def list_datasets(runs: Sequence[Run]) -> list[str]:
    """Return the datasets of these runs, those with a fine-tuned BERT first."""
    configs = [run.config for run in runs]
    tuned = [config.dataset for config in configs if name_way(config) == FINE_TUNED]
    return list(dict.fromkeys([*tuned, *(config.dataset for config in configs)]))


def collect(runs: Sequence[Run], dataset: str) -> list[TextModel]:
    """Return the models of finished runs on the complete test split of a dataset, and the best baseline, best first."""
    bundles = [(run, run.finished_bundle) for run in runs if run.config.dataset == dataset]
    most = max((int(bundle.run["sizes"]["test"]) for _, bundle in bundles), default=0)
    bundles = [(run, bundle) for run, bundle in bundles if int(bundle.run["sizes"]["test"]) == most]
    rows = [_row(run, bundle, most) for run, bundle in bundles]
    baselines = [
        TextModel(baseline_title(name), "", BAG, *_accuracy(values), most)
        for _, bundle in bundles
        for name, values in bundle.evaluation.baselines.items()
        if "accuracy" in values
    ]
    rows += sorted(baselines, key=lambda row: -row.accuracy)[:1]
    return sorted(rows, key=lambda row: -row.accuracy)


def _row(run: Run, bundle: Bundle, n: int) -> TextModel:
    record, weights = bundle.record, bundle.folder / "model.safetensors"
    return TextModel(
        run.run_id.removeprefix("reference:").replace("/datasets/", "/"),
        run.run_id,
        name_way(bundle.config),
        *_accuracy(bundle.evaluation.metrics),
        n,
        record.duration_s,
        record.parameters,
        weights.stat().st_size if weights.exists() else None,
    )


def _accuracy(values: Mapping[str, float]) -> tuple[float, float, float]:
    low, high = (values.get(f"accuracy_{end}", values["accuracy"]) for end in ("low", "high"))
    return values["accuracy"], low, high


def measure_latencies(models: Sequence[TextModel], runs: Mapping[str, Run], *, words: int = 32) -> dict[str, float]:
    """Return the processor seconds of one prediction for a text of `words` words, on one thread, by run id; without
    models whose weights are not here."""
    from dlcore.projects.language import texts

    sentence = " ".join((SENTENCE * (words // 10 + 1)).split()[:words])
    samples: dict[str, Any] = {}
    for model in models:
        if model.run_id not in runs:
            continue
        try:
            _, loaded = open_bundle(runs[model.run_id].finished_bundle)
        except WorkbenchError:
            continue
        encoded = texts.encode_text(loaded, sentence)
        samples[model.run_id] = (loaded.module, torch.from_numpy(encoded.ids))
    return dict(cost.measure_latencies(samples).seconds)
