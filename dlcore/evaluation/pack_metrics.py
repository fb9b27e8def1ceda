"""Metrics of packs on the predictions of a run, with bootstrap intervals."""

import math
from collections.abc import Mapping

import numpy as np

from dlcore.core import packs
from dlcore.core.errors import one_line
from dlcore.evaluation.metrics import METRICS, PackMetric

DRAWS = 200
SAMPLES = 20_000
"""Largest number of samples that get an interval: the function of a pack may be slow."""


def compute_pack_metrics(task: str, predictions: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the metrics of packs for a task by name, from the predictions of a run, with `<name>_low` and
    `<name>_high`.

    A metric that raises an error or is not a finite number is left out, and is a fault of its pack.
    """
    values: dict[str, float] = {}
    for name, (entry, metric) in METRICS.packs().items():
        if metric.task == task:
            try:
                values |= _with_interval(name, metric, predictions["test_scores"], predictions["test_targets"])
            except Exception as error:
                packs.add_fault(entry, f"{type(error).__name__}: {one_line(error)}")
    return values


def _with_interval(name: str, metric: PackMetric, scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    value = float(metric.compute(scores, targets))
    if not math.isfinite(value):
        raise ValueError(f"the metric is {value}")
    if len(targets) > SAMPLES:
        return {name: value}
    rng = np.random.default_rng(0)
    rows = (rng.integers(0, len(targets), len(targets)) for _ in range(DRAWS))
    draws = [float(metric.compute(scores[sample], targets[sample])) for sample in rows]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return {name: value, f"{name}_low": float(low), f"{name}_high": float(high)}
