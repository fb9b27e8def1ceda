"""Baselines of the anomaly page, computed again from the series."""

from collections.abc import Iterable

import numpy as np

from dlcore.core.errors import WorkbenchError
from dlcore.data.series.series import Series
from dlcore.evaluation import anomaly, baselines, nab
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.data import find_series
from dlcore.ui.pages.anomaly.scores import HOUR_MS, ScoredSeries, get_smoothing, select_baselines


def find_best_baseline(
    project: Project, run: Run, evaluation: Evaluation, scored: ScoredSeries
) -> tuple[str, np.ndarray, float] | None:
    """Return the best baseline by NAB at the run's smoothing: name, score, threshold.

    None if it cannot be computed, or if the result differs from the stored one.
    """
    stored = {
        name: values
        for name, values in select_baselines(evaluation, get_smoothing(run)).items()
        if {"nab_standard", "threshold"} <= set(values)
    }
    if not stored:
        return None
    best = max(stored, key=lambda name: stored[name]["nab_standard"])
    score = compute_baseline_scores(project, run, scored, [best]).get(best)
    if score is None:
        return None
    threshold, windows = stored[best]["threshold"], anomaly.true_ranges(scored.targets.astype(bool))
    nab_score = nab.file_score(anomaly.alarms(score, threshold), windows, start=scored.ends[0])
    return (best, score, threshold) if abs(nab_score - stored[best]["nab_standard"]) < 1e-6 else None


def compute_baseline_scores(
    project: Project, run: Run, scored: ScoredSeries, names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Return the scores (N,) of baselines fitted on the run's training data; empty if the series is not available."""
    if find_series(run.config) is None:
        return {}
    try:
        source = project.prepare(run.config).source
    except WorkbenchError:  # settings of an older version
        return {}
    series: Series = source["series"]
    if not np.array_equal(series.times, scored.times):
        return {}
    train = ~source.get("left_out", np.zeros(len(series.times), bool)) & (np.arange(len(series.times)) < scored.ends[0])
    hours = run.config.flat.get("smoothing_h", 0.0)
    smooth = round(hours * HOUR_MS / series.step_ms) or None
    return {
        name: baselines.series_score(
            name, series.times, series.values, train=train, period=series.period or None, smooth=smooth
        )
        for name in names
    }
