"""Budgets at which runs are compared: epochs and compute, which are exact. Seconds depend on the machine's load."""

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.inference import cost
from dlcore.inference.cost import Cost
from dlcore.runs.bundle.reader import Bundle
from dlcore.runs.record import Curve, Record

if TYPE_CHECKING:
    from dlcore.projects.project import RunConfig


def accuracy_at_best_epoch(record: Record, history: Mapping[str, Curve], *, epochs: float) -> float | None:
    """Return the validation accuracy at the best epoch of the first `epochs`; None before the first.

    The best epoch is the one whose weights a run keeps: by validation loss, or the metric that the project monitors.
    """
    from dlcore import projects

    monitor = projects.get(record.project).task.monitor
    accuracy, monitored = history.get("validation_accuracy"), history.get(monitor.metric)
    if accuracy is None or monitored is None:
        return None
    is_early = monitored.steps <= epochs * record.steps_per_epoch * (1 + 1e-9)
    usable = is_early & np.isfinite(monitored.values) & np.isin(monitored.steps, accuracy.steps)
    if not usable.any():
        return None
    values = monitored.values[usable] if monitor.mode == "min" else -monitored.values[usable]
    step = monitored.steps[usable][values.argmin()]
    return float(accuracy.values[accuracy.steps == step][0])


def has_cached_states(config: "RunConfig") -> bool:
    """Return whether a frozen BERT reads the texts once before the first epoch, so that epochs do not include it."""
    from dlcore.models.fine_tuned_bert import FineTuneConfig
    from dlcore.models.frozen_bert_rnn import FrozenBertRnnConfig

    options = config.model_options
    if isinstance(options, FineTuneConfig):
        return options.train == "head" or (options.train == "last_layers" and options.cache_frozen)
    return isinstance(options, FrozenBertRnnConfig)


def multiply_adds_per_epoch(bundle: Bundle) -> int | None:
    """Return the multiply-adds of a forward pass over the training samples; None if they cannot be counted."""
    counted = model_cost(bundle)
    return counted.multiply_adds * int(bundle.run["sizes"]["train"]) if counted and counted.multiply_adds else None


def model_cost(bundle: Bundle) -> Cost | None:
    """Return the cost of the run's model; None if its operations on one float input cannot be counted."""
    return count_config(bundle.config, bundle.facts)


def count_config(config: "RunConfig", facts: Mapping[str, int]) -> Cost | None:
    """Return the cost of the model of a config for data with these facts; None if it cannot be counted."""
    return _count(
        config.project,
        config.model,
        json.dumps(config.model_options.model_dump(), sort_keys=True),
        tuple(sorted(facts.items())),
        config.training.batch_size,
        config.training.optimizer,
    )


def sample_shape(facts: Mapping[str, int]) -> tuple[int, ...] | None:
    """Return the shape of one float input; None if the facts of the data do not give it."""
    for names in (("channels", "height", "width"), ("height", "width"), ("window", "features")):
        if all(name in facts for name in names):
            return tuple(facts[name] for name in names)
    return None


@functools.lru_cache(maxsize=256)
def _count(
    slug: str, model: str, options: str, facts: tuple[tuple[str, int], ...], batch_size: int, optimizer: Any
) -> Cost | None:
    from dlcore import projects

    sizes = dict(facts)
    entry, shape = projects.get(slug).models[model], sample_shape(sizes)
    if shape is None:
        return None
    config = entry.config.model_validate(json.loads(options))
    try:
        return cost.count_cost(lambda: entry.build(config, sizes), shape, batch_size=batch_size, optimizer=optimizer)
    except (RuntimeError, TypeError, NotImplementedError):  # it takes other inputs, or computes outside torch
        return None
