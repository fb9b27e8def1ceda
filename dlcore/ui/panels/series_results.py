"""Results of the anomaly page: scores beside simple methods, a threshold to move, alarms over time, curves."""

import streamlit as st

from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.panels import reading
from dlcore.ui.panels.learning import learning_curves
from dlcore.ui.panels.scores import score_table, winner
from dlcore.ui.panels.series_threshold import scored_splits, threshold_part


def results(project: Project, run: Run | None) -> None:
    """Who wins, the threshold and what it does, and how the model learnt."""
    bundle = reading.finished(run, to_see="its scores, alarms and curves")
    if bundle is None or run is None:
        return
    record, evaluation = run.record, reading.evaluation(bundle)
    splits = scored_splits(bundle)
    verdict = winner(evaluation, "auc_pr")
    st.markdown(f"{evaluation.verdict} {verdict}")
    title = project.models[record.model].title
    score_table(evaluation, title=title, n=len(splits["test"].errors), unit="half-hours")
    threshold_part(project, run, bundle, evaluation.threshold or 0.0)
    learning_curves(
        bundle, record,
        loss="Mean squared distance between the series and the model's copy, on a logarithmic axis. Lower is better; "
        "a validation line that turns upwards means learning by heart.",
        accuracy="Share of points judged rightly at the threshold that this epoch's validation errors set. Neither "
        "part holds a labelled event, so a wrong point here is an alarm on an ordinary day.",
    )  # fmt: skip
