"""Predictions of a watched run: its evaluation and its bundle."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.errors import DataError
from dlcore.data.splits import Prepared, Split
from dlcore.projects import watched
from dlcore.projects.run_config import RunConfig
from dlcore.runs.bundle.writer import RunArtifacts, write_bundle
from dlcore.runs.folder import RunFolder
from dlcore.runs.metric_file import read_metrics
from dlcore.runs.metric_log import read_gradients
from dlcore.runs.record import Record

_SUM_TOLERANCE = 1e-3


def collect(scores: Any, targets: Any, *, ids: Any = None, split: str = "test") -> dict[str, np.ndarray]:
    """Check predictions and return them as `<split>_scores`, `<split>_targets` and `<split>_ids`.

    scores: probabilities or logits (N, K), or values (N,) or (N, 1). targets: class numbers (N,), or values.

    Raises:
        DataError: the shapes or values do not fit each other.
    """
    if targets is None:
        raise DataError("finish: scores without targets: pass the true classes or values, too.")
    values, truth = as_array(scores), as_array(targets)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    truth = truth.reshape(len(truth), -1)[:, 0] if truth.ndim > 1 and truth.shape[-1] == 1 else truth
    if truth.ndim != 1 or len(values) != len(truth) or values.ndim not in (1, 2) or not len(values):
        raise DataError(
            f"finish: scores of shape {values.shape} do not fit targets of shape {truth.shape}: pass (N, K) "
            "probabilities with (N,) class numbers, or (N,) values with (N,) targets."
        )
    if not (np.isfinite(values).all() and np.isfinite(truth).all()):
        raise DataError("finish: scores or targets hold NaN or infinite values: leave those samples out.")
    if values.ndim == 2:
        values, truth = _probabilities(values), _classes(truth, values.shape[1])
    else:
        truth = truth.astype(np.float64)
    numbers = np.arange(len(values)) if ids is None else as_array(ids).astype(np.int64)
    if numbers.shape != truth.shape:
        raise DataError(f"finish: {len(numbers)} ids for {len(truth)} samples: pass one id per sample.")
    return {f"{split}_scores": values, f"{split}_targets": truth, f"{split}_ids": numbers}


def predict(module: nn.Module, batches: Iterable[Any] | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return outputs and targets of a module in evaluation mode, for batches of (inputs, targets) or one such pair."""
    if isinstance(batches, tuple) and len(batches) == 2 and isinstance(batches[0], Tensor):
        batches = [batches]
    device = next((parameter.device for parameter in module.parameters()), torch.device("cpu"))
    was_training, outputs, targets = module.training, [], []
    module.eval()
    with torch.no_grad():
        for inputs, truth in batches:
            outputs.append(module(inputs.to(device)).float().cpu())
            targets.append(torch.as_tensor(truth).cpu())
    module.train(was_training)
    return torch.cat(outputs), torch.cat(targets)


def write(
    folder: RunFolder,
    config: RunConfig,
    predictions: Mapping[str, np.ndarray],
    *,
    record: Record,
    module: nn.Module,
    labels: tuple[str, ...],
    split: str,
) -> dict[str, float]:
    """Evaluate the predictions of a run, write its bundle and return all metrics.

    Raises:
        DataError: there are not as many labels as classes.
    """
    scores, targets = predictions["test_scores"], predictions["test_targets"]
    classes = scores.shape[1] if scores.ndim == 2 else 0
    if labels and len(labels) != classes:
        raise DataError(f"finish: {len(labels)} labels for {classes} classes: pass one name per class.")
    evaluation = dataclasses.replace(watched.evaluate(predictions, None, config), split=split)
    history = read_metrics(folder)
    last = {name: float(curve.values[-1]) for name, curve in history.items() if name.startswith(("train", "valid"))}
    record = dataclasses.replace(record, metrics=last | evaluation.metrics)
    validation = predictions.get("validation_targets", np.zeros(0))
    prepared = Prepared(
        train=_split(np.zeros(0)),
        validation=_split(validation),
        test=_split(targets),
        facts={"classes": classes} if classes else {},
        preprocessing={"kind": watched.SLUG},
        labels=labels or tuple(f"class {number}" for number in range(classes)),
    )
    artifacts = RunArtifacts(
        config=config,
        record=record,
        prepared=prepared,
        weights=module.state_dict(),
        predictions=predictions,
        evaluation=evaluation,
        history=history,
        gradients=read_gradients(folder.gradients),
    )
    folder.bundle.parent.mkdir(parents=True, exist_ok=True)
    write_bundle(artifacts, folder.bundle)
    return record.metrics


def as_array(values: Any) -> np.ndarray:
    """Return a tensor on any device, a list or an array as an array."""
    return values.detach().cpu().float().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _probabilities(scores: np.ndarray) -> np.ndarray:
    """Return probabilities (N, K); logits, which do not add up to 1, go through a softmax."""
    values = scores.astype(np.float64)
    if values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < _SUM_TOLERANCE:
        return values.astype(np.float32)
    return torch.from_numpy(values).softmax(dim=1).float().numpy()


def _classes(targets: np.ndarray, classes: int) -> np.ndarray:
    numbers = targets.astype(np.int64)
    if (numbers != targets).any() or numbers.min() < 0 or numbers.max() >= classes:
        raise DataError(f"finish: targets must be class numbers from 0 to {classes - 1}, one column of scores each.")
    return numbers


def _split(targets: np.ndarray) -> Split:
    return Split((), torch.from_numpy(targets), np.arange(len(targets)))
