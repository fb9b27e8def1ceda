"""Cross-validation of a classifier and its baselines on a small dataset, whose test part alone says little."""

import dataclasses
from collections import defaultdict

import numpy as np

from dlcore.core import progress, seeds
from dlcore.data.batches import Batches
from dlcore.data.splits import Prepared
from dlcore.evaluation import uncertainty
from dlcore.evaluation.metrics import baseline_title, format_with_interval
from dlcore.projects.project import Evaluation, Project, RunConfig
from dlcore.runs.accelerator import connect
from dlcore.training.fit import Validation, fit
from dlcore.training.state import TrainingState

NETWORK_SECONDS = 20.0
"""The network is trained again for each fold if that takes no longer than this, judged by the run itself."""
NETWORK, ACCURACY = "", "accuracy_cv"


def fold_count(config: RunConfig) -> int:
    """Number of folds that the run asks for; 0 if it is not cross-validated."""
    data = config.data_options.model_dump()  # the options of a model may have folds, too
    folds = int(data.get("folds", 0))
    return folds if folds > 1 and data.get("fold") == 0 else 0


def cross_validate(evaluation: Evaluation, project: Project, config: RunConfig, *, seconds: float) -> Evaluation:
    """Add `accuracy_cv` and its 95 % interval to the evaluation's baselines and, if it is quick, to its metrics.

    Every sample is predicted once, by a fit that has not seen it. The value is the mean over the folds, the interval
    that of the proportion of correct predictions over all samples (Wilson). `seconds` is the training time of the run.
    """
    folds = fold_count(config)
    if not folds:
        return evaluation
    has_time = seconds * folds <= NETWORK_SECONDS and project.models[config.model].training_loop is None
    shares: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for fold in range(1, folds + 1):
        progress.report("Cross-validation", fold - 1, folds)
        options = config.data_options.model_copy(update={"fold": fold})
        fold_config = config.model_copy(update={"data_options": options})
        prepared = project.prepare(fold_config)
        for name, row in project.baselines(prepared, fold_config).items():
            shares[name].append((row["accuracy"], len(prepared.test)))
        if has_time:
            shares[NETWORK].append((_accuracy(project, prepared, fold_config), len(prepared.test)))
    rows = {name: _summarize(values) for name, values in shares.items()}
    baselines = {name: {**row, **rows.get(name, {})} for name, row in evaluation.baselines.items()}
    metrics = {**evaluation.metrics, **rows.get(NETWORK, {})}
    described = dataclasses.replace(evaluation, metrics=metrics, baselines=baselines)
    return dataclasses.replace(described, verdict=f"{evaluation.verdict} {_describe(described, folds)}".strip())


def _accuracy(project: Project, prepared: Prepared, config: RunConfig) -> float:
    """Test accuracy of a network trained on the fold's training part, at its best epoch."""
    seeds.seed_everything(config.seed)
    module = project.models[config.model].build(config.model_options, prepared.facts)
    if prepared.start is not None:
        prepared.start(module)
    training = config.training.model_copy(update={"gradient_every": 0})
    batches = Batches(prepared.train, training.batch_size, seed=config.seed, transform=prepared.transform)
    state = TrainingState(module, training, steps_per_epoch=len(batches), fabric=connect("cpu"))
    validation = Validation(
        lambda network: project.epoch_metrics(network, prepared, config),
        metric=project.task.monitor.metric,
        mode=project.task.monitor.mode,
    )
    for _ in fit(state, batches, objective=project.objective(config, prepared), validation=validation):
        pass
    state.load_best()
    return project.evaluate(project.predict(state.module, prepared, config), None, config).metrics["accuracy"]


def _summarize(values: list[tuple[float, int]]) -> dict[str, float]:
    """Mean of the accuracies of the folds, and the interval over all samples."""
    count = sum(n for _, n in values)
    low, high = uncertainty.wilson(round(sum(share * n for share, n in values)), count)
    return {ACCURACY: float(np.mean([share for share, _ in values])), f"{ACCURACY}_low": low, f"{ACCURACY}_high": high}


def _describe(evaluation: Evaluation, folds: int) -> str:
    """The result in a sentence: the network if it was trained again, and the best baseline."""
    best = max(evaluation.baselines, key=lambda name: evaluation.baselines[name].get(ACCURACY, 0.0))
    parts = [f"{baseline_title(best)} {format_with_interval(evaluation.baselines[best], ACCURACY)}"]
    if ACCURACY in evaluation.metrics:
        parts.insert(0, f"this network {format_with_interval(evaluation.metrics, ACCURACY)}")
    return f"Accuracy in {folds}-fold cross-validation: {', '.join(parts)}."
