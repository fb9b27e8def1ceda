"""The contract between data, models, training, evaluation and the user interfaces."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from torch import nn

from dlcore.core.config import Config
from dlcore.core.errors import ConfigError, DataError
from dlcore.data.custom.registry import CustomDataset, Kind
from dlcore.data.splits import Prepared
from dlcore.evaluation.abstention import AbstentionRule
from dlcore.evaluation.familiarity import Familiarity
from dlcore.evaluation.pack_metrics import compute_pack_metrics
from dlcore.projects.lessons import Lesson
from dlcore.projects.run_config import RunConfig
from dlcore.training.config import TrainingConfig
from dlcore.training.fit import Objective
from dlcore.training.training_loop import TrainingLoop

Predictions = Mapping[str, np.ndarray]
"""`<split>_scores`, `<split>_targets`, `<split>_ids` for train, validation and test (train may be missing).

Classification: scores (N, K) probabilities, targets (N,) class indices, ids (N,) row numbers; `<split>_distance`,
`<split>_topic` and `<split>_language` (N,) say how unlike the training data a sample is, the arrays of
`evaluation.familiarity` measure new inputs, and `limit_<name>` are limits that the task sets. Bundles keep of these
the reasons (N,) for which the test predictions are flagged, as `test_reasons`.
Series: scores (N,) error per time point, targets (N,) 1 inside a labeled window, ids (N,) epoch milliseconds.
"""


@dataclass(frozen=True)
class ModelEntry:
    """One model of a project, built from its config and the data's facts (`features`, `classes`, ...).

    `training_loop` replaces `fit` for a model that does not train with autograd. `ignored_settings` are data settings
    that have no effect on this model: forms leave them out, and a request that sets one is rejected. A project whose
    models differ in more than this subclasses `ModelEntry`.
    """

    title: str
    summary: str
    build: Callable[[Any, Mapping[str, int]], nn.Module]
    config: type[Config] = Config
    training_loop: Callable[[nn.Module, Prepared, RunConfig], TrainingLoop] | None = None
    ignored_settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Monitor:
    """The validation metric that selects the best epoch."""

    metric: str = "validation_loss"
    mode: Literal["min", "max"] = "min"


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one finished run on its test split.

    `metrics` and every baseline use the names of `evaluation`, with `<name>_low` / `<name>_high` for intervals.
    `threshold` is None for a task without one. `verdict` is a sentence or two for the reader. `parts` holds the metrics
    of each component by name: every seed of an ensemble, and their mean and range. `season` is the period of seasonal
    baselines, "1 day", where it is not a week. `suggested_epochs` is larger than 0 if the run was trained too briefly
    to beat its baselines.
    """

    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    threshold: float | None = None
    verdict: str = ""
    split: str = "test"
    parts: dict[str, dict[str, float]] = field(default_factory=dict)
    season: str = ""
    suggested_epochs: int = 0


@dataclass(frozen=True)
class LoadedModel:
    """A trained model ready to predict: the module in evaluation mode on the CPU (shared: never train or hook it).

    `calibration` holds a classifier's temperature and abstention rule; None: raw probabilities, nothing is flagged.
    `familiarity` measures how unlike the training data an input is.
    `half_widths` (H, V) are those of a forecast's 90 % prediction intervals, NaN if unknown.
    """

    module: nn.Module
    config: RunConfig
    facts: Mapping[str, int]
    preprocessing: Mapping[str, Any]
    labels: tuple[str, ...]
    threshold: float | None = None
    calibration: AbstentionRule | None = None
    half_widths: np.ndarray | None = None
    familiarity: Familiarity = field(default_factory=Familiarity)


class SeriesScorer(Protocol):
    """Scores of a series that comes in consecutive parts: the same as those of the whole. A score depends on the point
    and the `length` + `smooth` - 2 points before it; the first `length` - 1 points have no score.

    `names` (V,) are the columns of a table, whose values are (n, V); empty for values (n,)."""

    length: int
    smooth: int
    names: tuple[str, ...]

    def explain(self, times: np.ndarray, values: np.ndarray) -> dict[str, Any]:
        """Return what is behind the score of the last of the points (n,); empty if it cannot be said."""
        ...

    def score(self, times: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the score (n,) of each point of the next part, from times (n,) in epoch milliseconds and values."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to continue, as a JSON-able dict."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after the part at which `state` was returned."""
        ...


@dataclass(frozen=True)
class UsableBaseline:
    """A baseline that predicts new inputs, stored in the bundle as arrays.

    fit:    (prepared, config) -> its arrays by name; empty if it cannot be fitted or is too large to store.
    answer: (loaded, arrays, payload) -> a JSON-able prediction with the keys of `Project.answer`.
    """

    fit: Callable[[Prepared, RunConfig], dict[str, np.ndarray]]
    answer: Callable[[LoadedModel, Mapping[str, np.ndarray], bytes], dict[str, Any]]


@dataclass(frozen=True)
class EpochOutputs:
    """Outputs for the validation split: logits (N, K) and penultimate features (N, D), None without any."""

    logits: np.ndarray
    features: np.ndarray | None


@dataclass(frozen=True)
class Task:
    """What all projects that solve one kind of problem share; `dataclasses.replace` overrides a single function.

    objective: (config, prepared) -> loss and counts for `fit`.
    predict:   (module, prepared, config) -> Predictions of all splits, module on the training device.
    epoch_metrics: (module, prepared, config) -> metrics logged after each epoch (`validation_loss`, ...; never test).
    evaluate:  (predictions, threshold or None, config) -> Evaluation; fast (no training data), with the threshold from
               validation when None. Baselines that need only the predictions' targets may be computed here.
    compare:   (evaluation with its baselines, config) -> a sentence about the two, added to the verdict.
    observe:   (module, prepared, config) -> the metrics of `epoch_metrics` and the outputs behind them, in one pass;
               None: the outputs of single epochs are not recorded.

    `goal` is what a search optimizes, for a task whose `monitor` is not comparable between settings (a loss in other
    units).
    """

    name: str
    objective: Callable[[RunConfig, Prepared], Objective]
    predict: Callable[[nn.Module, Prepared, RunConfig], dict[str, np.ndarray]]
    epoch_metrics: Callable[[nn.Module, Prepared, RunConfig], dict[str, float]]
    evaluate: Callable[[Predictions, float | None, RunConfig], Evaluation]
    compare: Callable[[Evaluation, RunConfig], str] = lambda evaluation, config: ""
    observe: Callable[[nn.Module, Prepared, RunConfig], tuple[dict[str, float], EpochOutputs]] | None = None
    monitor: Monitor = Monitor()
    goal: Monitor | None = None


@dataclass(frozen=True)
class Project:
    """One experiment: a task on data of one modality. All functions are pure.

    prepare:   config -> the three splits, facts for the model, and what inference needs to repeat the preparation.
    baselines: (prepared, config) -> metrics of the baselines on the test split by name; run once in the worker.
    answer:    (loaded, payload bytes) -> a JSON-able prediction for one input: a CSV, an image file, a text.
    answer_many: (loaded, payloads) -> `answer` to each, without details, or its error; None: one after the other.
    scorer:    (loaded, step in milliseconds) -> a scorer of series, for a project that scores each point.
    explain:   (loaded, payload bytes, method, target) -> a JSON-able explanation of that prediction; None: not offered.
    complete:  (module just built, preprocessing) -> None; loads weights that a bundle leaves out (pretrained ones).
    half_widths: predictions -> half widths of prediction intervals, for `LoadedModel`; None: the task has none.
    needs:     config -> names of further downloads that training requires (as in `data get`): pretrained weights.
    fallbacks: download -> model -> settings of the quick preset where the download is not on this machine.

    `modality` names a file of `ui/modalities`. `presets` map a name to settings; settings of one model are nested
    under its name. A setting for all models applies to those that have it.
    `reported` and `reported_curves` (model -> metric -> one value per epoch) are published results on `datasets[0]`.
    `custom_data` are the kinds of user datasets that `prepare` accepts; `custom_settings` returns the default
    settings for such a dataset and model: they override the preset, and the user's settings override them.
    `quick_settings` are those of the quick preset, from the dataset, the model and the settings so far: see
    `projects.quick`. `usable_baselines` (name -> baseline) are stored with runs on custom datasets and offered for
    prediction. `suggest_model` names the model to preselect for a custom dataset (default: the first). `lessons` are
    comparisons whose runs come with the workbench.
    """

    slug: str
    section: str
    title: str
    summary: str
    task: Task
    modality: str
    datasets: tuple[str, ...]
    models: Mapping[str, ModelEntry]
    data_config: type[Config]
    presets: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, int]
    prepare: Callable[[RunConfig], Prepared]
    baselines: Callable[[Prepared, RunConfig], dict[str, dict[str, float]]]
    answer: Callable[[LoadedModel, bytes], dict[str, Any]]
    answer_many: Callable[[LoadedModel, Sequence[bytes]], Sequence[dict[str, Any] | DataError]] | None = None
    scorer: Callable[[LoadedModel, int], SeriesScorer] | None = None
    explain: Callable[[LoadedModel, bytes, str, str], dict[str, Any]] | None = None
    input_limit: int = 64 * 2**20
    reported: Mapping[str, float] = field(default_factory=dict)
    reported_curves: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    custom_data: tuple[Kind, ...] = ()
    custom_settings: Callable[[CustomDataset, str], Mapping[str, Any]] = lambda dataset, model: {}
    quick_settings: Callable[[CustomDataset, str, Mapping[str, Any]], Mapping[str, Any]] = lambda *request: {}
    usable_baselines: Mapping[str, UsableBaseline] = field(default_factory=dict)
    suggest_model: Callable[[CustomDataset], str] = lambda dataset: ""
    complete: Callable[[nn.Module, Mapping[str, Any]], None] = lambda module, preprocessing: None
    half_widths: Callable[[Predictions], np.ndarray] | None = None
    needs: Callable[[RunConfig], tuple[str, ...]] = lambda config: ()
    fallbacks: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    lessons: tuple[Lesson, ...] = ()

    def __post_init__(self) -> None:
        """Check the presets.

        Raises:
            ConfigError: a preset names a setting that no model has, or one under a model that lacks it.
        """
        settings = {model: set(self.setting_names(model)) for model in self.models}
        every = set().union(*settings.values())
        for preset, values in self.presets.items():
            unknown = [(name, "every model") for name in values if name not in every and name not in self.models]
            for model in self.models:
                unknown += [(name, f"'{model}'") for name in values.get(model, {}) if name not in settings[model]]
            for name, owner in unknown:
                raise ConfigError(f"preset '{preset}' of '{self.slug}' sets '{name}', which {owner} lacks: remove it.")

    def config_classes(self, model: str) -> dict[str, type[Config]]:
        """The three parts of a run's config for that model: training, model, data."""
        return {"training": TrainingConfig, "model": self.models[model].config, "data": self.data_config}

    def setting_names(self, model: str) -> list[str]:
        """Names of all settings of that model's runs."""
        return [name for config in self.config_classes(model).values() for name in config.model_fields]

    @property
    def objective(self) -> Callable[[RunConfig, Prepared], Objective]:
        """Loss and counts of the task."""
        return self.task.objective

    @property
    def predict(self) -> Callable[[nn.Module, Prepared, RunConfig], dict[str, np.ndarray]]:
        """Predictions of all splits."""
        return self.task.predict

    @property
    def epoch_metrics(self) -> Callable[[nn.Module, Prepared, RunConfig], dict[str, float]]:
        """Metrics logged after each epoch."""
        return self.task.epoch_metrics

    @property
    def evaluate(self) -> Callable[[Predictions, float | None, RunConfig], Evaluation]:
        """Metrics on the test split, with those of packs."""
        return self._evaluate

    def _evaluate(self, predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
        evaluation = self.task.evaluate(predictions, threshold, config)
        extra = compute_pack_metrics(self.task.name, predictions)
        return replace(evaluation, metrics={**extra, **evaluation.metrics}) if extra else evaluation
