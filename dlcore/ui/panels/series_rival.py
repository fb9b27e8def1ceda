"""The simple method that a run of the anomaly page has to beat, worked out again from the series."""

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.core.errors import WorkbenchError
from dlcore.data.series import Series
from dlcore.data.series import load as load_series
from dlcore.evaluation import anomaly, baselines, nab
from dlcore.projects.project import Evaluation, Project
from dlcore.runs import Run
from dlcore.ui.panels.series_data import taxi
from dlcore.ui.panels.series_scores import HOUR_MS, Whole, own_form, rivals_of


def best_rival(
    project: Project, run: Run, evaluation: Evaluation, joined: Whole
) -> tuple[str, np.ndarray, float] | None:
    """The best simple method by NAB at the run's own smoothing: name, score, threshold. None where it cannot be had,
    or where what is worked out here is not what was counted then."""
    rivals = {
        name: values
        for name, values in rivals_of(evaluation, own_form(run)).items()
        if {"nab_standard", "threshold"} <= set(values)
    }
    if not rivals or series_at_hand(run) is None:
        return None
    try:
        source = project.prepare(run.config).source
    except WorkbenchError:  # settings of an older version
        return None
    series: Series = source["series"]
    if not np.array_equal(series.times, joined.times):
        return None
    best = max(rivals, key=lambda name: rivals[name]["nab_standard"])
    train = ~source.get("left_out", np.zeros(len(series.times), bool)) & (np.arange(len(series.times)) < joined.ends[0])
    hours = projects.data_config(run.config).model_dump().get("smoothing_h", 0.0)
    smooth = round(hours * HOUR_MS / series.step_ms)
    score = baselines.series_score(
        best, series.times, series.values, train=train, period=series.period or None, smooth=smooth or None
    )
    threshold, stored = rivals[best]["threshold"], rivals[best]["nab_standard"]
    windows = anomaly.ranges(joined.targets.astype(bool))
    found = nab.score(anomaly.alarms(score, threshold), windows, start=joined.ends[0])
    return (best, score, threshold) if abs(found - stored) < 1e-6 else None


def series_at_hand(run: Run) -> Series | None:
    """The run's series, where it is here and still what it was."""
    try:
        return taxi() if run.config.dataset == "nyc_taxi" else _loaded(run.config.dataset, run.config.data_checksum)
    except WorkbenchError:
        return None


@st.cache_resource(max_entries=3, show_spinner=False)
def _loaded(dataset: str, checksum: str) -> Series:
    return load_series(dataset, checksum=checksum)
