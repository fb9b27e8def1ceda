"""What a project is: the one contract between data, models, training, evaluation and whatever shows them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pydantic
from torch import nn

from dlcore.core.config import Config, choice, number
from dlcore.data.custom.registry import CustomDataset, Kind, normalize_id
from dlcore.data.splits import Prepared
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective
from dlcore.training.training_loop import TrainingLoop

Predictions = Mapping[str, np.ndarray]
"""`<split>_scores`, `<split>_targets`, `<split>_ids` for train, validation and test (train may be missing).

Classification: scores (N, K) probabilities, targets (N,) class numbers, ids (N,) row numbers.
Series: scores (N,) one error per time point, targets (N,) 1 inside a labelled window, ids (N,) epoch milliseconds.
"""


class RunConfig(Config):
    """Everything that decides a run's outcome. Made by `projects.configure`, which checks `model_options` and
    `data_options` against the project's own config classes; round-trips through JSON (`projects.load_config`).

    A custom dataset is named `custom:NAME`, and `data_checksum` pins its content: it may be removed and another be
    added under its name.
    """

    project: str
    model: str
    dataset: Annotated[str, pydantic.AfterValidator(normalize_id)]
    data_checksum: str = pydantic.Field("", max_length=64)
    preset: str = "full"
    seed: int = number(0, low=0, high=2**31 - 1, help="Start of every random generator.")
    device: str = choice("auto", help="auto, cpu, cuda:0, ... or mps.")
    devices: int = number(1, low=1, high=64, help="Processes that share every batch (data-parallel).")
    training: TrainingConfig = TrainingConfig()
    model_options: dict[str, Any] = pydantic.Field(default_factory=dict)
    data_options: dict[str, Any] = pydantic.Field(default_factory=dict)


@dataclass(frozen=True)
class ModelEntry:
    """One model of a project: how to build it from its config and the data's facts (`features`, `classes`, ...).

    `trainee` is a training of the model's own, in place of `fit`, for one that does not learn by autograd. `unread` are
    the data's settings that mean nothing to this model: they are not offered for it, and refused where asked for.
    """

    title: str
    summary: str
    build: Callable[[Any, Mapping[str, int]], nn.Module]
    config: type[Config] = Config
    trainee: Callable[[nn.Module, Prepared, RunConfig], TrainingLoop] | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Monitor:
    """The validation metric that picks the best epoch."""

    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"


@dataclass(frozen=True)
class Evaluation:
    """Numbers of one finished run on its test split.

    `metrics` and every baseline use the names of the design's section 8, with `<name>_low` / `<name>_high`.
    `threshold` is None where the project has no threshold. `verdict` is a sentence or two in plain words. `parts` are
    metrics of what the result is made of, by name: each seed of an ensemble, and their mean and range.
    """

    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    threshold: float | None = None
    verdict: str = ""
    split: str = "test"
    parts: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedModel:
    """A trained model ready to answer: module in evaluation mode on the CPU (shared: never train or hook it)."""

    module: nn.Module
    config: RunConfig
    facts: Mapping[str, int]
    preprocessing: Mapping[str, Any]
    labels: tuple[str, ...]
    threshold: float | None = None


@dataclass(frozen=True)
class Project:
    """One experiment. Every function is pure: what it needs is handed to it.

    prepare:   config -> the three splits, facts for the model, and what inference needs to repeat the preparation.
    objective: (config, prepared) -> loss and counts for `fit`.
    predict:   (module, prepared, config) -> Predictions, all splits, module on the training device.
    epoch_metrics: (module, prepared, config) -> what is recorded after each epoch (`validation_loss`, ...; never test).
    evaluate:  (predictions, threshold or None, config) -> Evaluation; fast (no training data), thresholds from
               validation when None is given. Baselines that need only the predictions' targets may be computed here.
    baselines: (prepared, config) -> named metrics of simpler methods on the test split; run once in the worker.
    compare:   (evaluation with its baselines, config) -> what is to be said of the two, added to the verdict.
    answer:    (loaded, payload bytes) -> a JSON-able dict; one thing predicted: a CSV, a picture's file, a text.
    complete:  (module just built, preprocessing) -> nothing; puts in what a bundle leaves out, as pretrained weights.
    needs:     config -> what else must be on this machine to train it, by the names of `data get`: pretrained weights.

    `goal` is what a search over settings goes by, where the metric that picks the best epoch cannot be compared between
    settings (a loss in other units).
    `reported` and `reported_curves` (model -> metric -> one value an epoch) are what others claim of the first dataset.
    `own_data` is the kind of a person's own data that `prepare` takes too, None where it takes none; `own_also`
    are further kinds. `own_settings` gives the settings that suit such a dataset and a model, over the preset's and
    under the person's.
    """

    slug: str
    section: Literal["series", "vision", "language", "foundations"]
    title: str
    summary: str
    datasets: tuple[str, ...]
    models: Mapping[str, ModelEntry]
    data_config: type[Config]
    presets: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, int]
    prepare: Callable[[RunConfig], Prepared]
    objective: Callable[[RunConfig, Prepared], Objective]
    predict: Callable[[nn.Module, Prepared, RunConfig], dict[str, np.ndarray]]
    epoch_metrics: Callable[[nn.Module, Prepared, RunConfig], dict[str, float]]
    evaluate: Callable[[Predictions, float | None, RunConfig], Evaluation]
    baselines: Callable[[Prepared, RunConfig], dict[str, dict[str, float]]]
    answer: Callable[[LoadedModel, bytes], dict[str, Any]]
    monitor: Monitor = Monitor()
    goal: Monitor | None = None
    input_kind: Literal["csv", "image", "text"] = "csv"
    input_limit: int = 64 * 2**20
    reported: Mapping[str, float] = field(default_factory=dict)
    reported_curves: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    compare: Callable[[Evaluation, RunConfig], str] = lambda evaluation, config: ""
    own_data: Kind | None = None
    own_also: tuple[Kind, ...] = ()
    own_settings: Callable[[CustomDataset, str], Mapping[str, Any]] = lambda dataset, model: {}
    complete: Callable[[nn.Module, Mapping[str, Any]], None] = lambda module, preprocessing: None
    needs: Callable[[RunConfig], tuple[str, ...]] = lambda config: ()
