"""Baselines of the anomaly page, computed again from the series."""

from collections.abc import Iterable

import numpy as np
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.data.series.series import Series
from dlcore.data.series.series import load as load_series
from dlcore.evaluation import anomaly, baselines, nab
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.data import taxi
from dlcore.ui.pages.anomaly.scores import HOUR_MS, Whole, own_form, rivals_of


def best_rival(
    project: Project, run: Run, evaluation: Evaluation, joined: Whole
) -> tuple[str, np.ndarray, float] | None:
    """Return the best baseline by NAB at the run's smoothing: name, score, threshold.

    None if it cannot be computed, or if the result differs from the stored one.
    """
    stored = {
        name: values
        for name, values in rivals_of(evaluation, own_form(run)).items()
        if {"nab_standard", "threshold"} <= set(values)
    }
    if not stored:
        return None
    best = max(stored, key=lambda name: stored[name]["nab_standard"])
    score = scores_of(project, run, joined, [best]).get(best)
    if score is None:
        return None
    threshold, windows = stored[best]["threshold"], anomaly.true_ranges(joined.targets.astype(bool))
    found = nab.file_score(anomaly.alarms(score, threshold), windows, start=joined.ends[0])
    return (best, score, threshold) if abs(found - stored[best]["nab_standard"]) < 1e-6 else None


def scores_of(project: Project, run: Run, joined: Whole, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the scores (N,) of baselines fitted on the run's training data; empty if the series is not available."""
    if series_at_hand(run) is None:
        return {}
    try:
        source = project.prepare(run.config).source
    except WorkbenchError:  # settings of an older version
        return {}
    series: Series = source["series"]
    if not np.array_equal(series.times, joined.times):
        return {}
    train = ~source.get("left_out", np.zeros(len(series.times), bool)) & (np.arange(len(series.times)) < joined.ends[0])
    hours = run.config.flat.get("smoothing_h", 0.0)
    smooth = round(hours * HOUR_MS / series.step_ms) or None
    return {
        name: baselines.series_score(
            name, series.times, series.values, train=train, period=series.period or None, smooth=smooth
        )
        for name in names
    }


def series_at_hand(run: Run) -> Series | None:
    """Return the run's series if it is available and unchanged."""
    try:
        return taxi() if run.config.dataset == "nyc_taxi" else _loaded(run.config.dataset, run.config.data_checksum)
    except WorkbenchError:
        return None


@st.cache_resource(max_entries=3, show_spinner=False)
def _loaded(dataset: str, checksum: str) -> Series:
    return load_series(dataset, checksum=checksum)
