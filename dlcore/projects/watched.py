"""workspace/watched: runs of training loops outside the workbench, and runs imported from other trackers."""

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import numpy as np
import pydantic

from dlcore.core.config import Config
from dlcore.core.errors import RequestError
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import uncertainty
from dlcore.evaluation.metrics import format_with_interval
from dlcore.projects import classification
from dlcore.projects.project import Evaluation, ModelEntry, Predictions, Project, Task
from dlcore.projects.run_config import RunConfig

SLUG = "watched"
CLASSIFICATION, REGRESSION = "classification", "regression"
_FLOOR = 1e-12


class Hyperparameters(Config):
    """Hyperparameters of a watched run: any name, with a number, text or switch."""

    model_config = pydantic.ConfigDict(frozen=True, extra="allow")


class _AnyModel(Mapping[str, ModelEntry]):
    """Entries of networks that the workbench knows by name only."""

    def __getitem__(self, name: str) -> ModelEntry:
        return ModelEntry(title=name, summary="A network outside the workbench.", build=_refuse, config=Hyperparameters)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)


def _refuse(*_: Any) -> NoReturn:
    raise RequestError("a watched run has its network in a script outside the workbench: run that script again.")


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Metrics of the predictions handed to `finish`: probabilities (N, K) with class numbers (N,), or values (N,)."""
    scores, targets = predictions["test_scores"], predictions["test_targets"]
    if scores.ndim == 1:
        return _evaluate_values(scores, targets)
    if scores.shape[1] == 2 and threshold is None and "validation_scores" not in predictions:
        threshold = 0.5
    evaluation = classification.evaluate(predictions, threshold, config)
    counts = np.bincount(targets, minlength=scores.shape[1])
    majority = simple.majority(targets, len(targets), classes=scores.shape[1])
    low, high = uncertainty.wilson(int(counts.max()), len(targets))
    baseline = classification.compute_metrics(majority, targets) | {"accuracy_low": low, "accuracy_high": high}
    return Evaluation(evaluation.metrics, {"majority": baseline}, evaluation.threshold, evaluation.verdict)


def _evaluate_values(values: np.ndarray, targets: np.ndarray) -> Evaluation:
    """R2, mean absolute error and root mean squared error of values (N,), the mean of the targets as baseline."""
    metrics = _value_metrics(values, targets)
    rng = np.random.default_rng(0)
    draws = [_value_metrics(values[rows], targets[rows]) for rows in rng.integers(0, len(values), (300, len(values)))]
    for name in tuple(metrics):
        low, high = np.quantile([draw[name] for draw in draws], (0.025, 0.975))
        metrics |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    baseline = {"mean_target": _value_metrics(np.full(len(targets), targets.mean()), targets)}
    verdict = f"R² {format_with_interval(metrics, 'r2')} on {len(values):,} samples."
    return Evaluation(metrics, baseline, verdict=verdict)


def _value_metrics(values: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    errors = values.astype(np.float64) - targets
    variance = max(float(np.var(targets)), _FLOOR)
    return {
        "r2": 1 - float(np.mean(errors**2)) / variance,
        "mae": float(np.abs(errors).mean()),
        "rmse": float(np.sqrt(np.mean(errors**2))),
    }


PROJECT = Project(
    slug=SLUG,
    section="workspace",
    title="Watched runs",
    summary="Training loops of scripts and notebooks, live, and runs imported from other trackers.",
    task=Task(
        name=SLUG,
        objective=_refuse,
        predict=_refuse,
        epoch_metrics=_refuse,
        evaluate=evaluate,
    ),
    modality="",
    datasets=(),
    models=_AnyModel(),
    data_config=Config,
    presets={},
    facts={},
    prepare=_refuse,
    baselines=_refuse,
    answer=_refuse,
)
