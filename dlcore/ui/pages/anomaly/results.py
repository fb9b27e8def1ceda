"""Results panel of the anomaly page: scores beside baselines, decision threshold, alarms, learning curves."""

import streamlit as st

from dlcore.projects.anomaly import automatic
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.pages.anomaly.data import show_default_detector
from dlcore.ui.pages.anomaly.robustness import show_robustness
from dlcore.ui.pages.anomaly.scores import show_scores, show_summary
from dlcore.ui.pages.anomaly.threshold import show_decision_threshold
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.learning_curves import show_learning_curves


def results(project: Project, run: Run | None) -> None:
    """Draw verdict, decision threshold, robustness and learning curves."""
    bundle = run_cache.finished_bundle(run, to_see="scores, alarms and curves")
    if bundle is None or run is None:
        return
    show_summary(run, bundle)
    show_decision_threshold(project, run, bundle, run_cache.evaluation(bundle).threshold or 0.0)
    if run.record.model == automatic.MODEL:
        show_default_detector(run.config, only_if_used=True)
    show_scores(project, run, bundle)
    show_robustness(project, run, bundle)
    with st.expander("How it was trained", icon=":material/show_chart:"):
        show_learning_curves(
            bundle,
            run.record,
            loss="Mean squared reconstruction error (log scale). Validation rising while training falls: overfitting.",
        )
