"""Panels of the page Watched runs: curves, gradients and diagnosis while a loop runs, then its evaluation."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import (
    METRICS,
    baseline_title,
    format_with_interval,
)
from dlcore.plots.watched import predicted_against_actual
from dlcore.projects.project import Evaluation
from dlcore.runs import Run
from dlcore.runs.views.curves import describe_layer
from dlcore.ui.modalities import results as classifiers
from dlcore.ui.pages.gradients import flow
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.train import live as live_run
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves

if TYPE_CHECKING:
    from dlcore.projects.project import Project

EXAMPLE = """import dlcore

with dlcore.watch(model, project="my loop") as run:
    for inputs, targets in batches:
        loss = criterion(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        run.log(loss=loss)
    run.finish(scores, targets)
"""
VALUES = ("r2", "absolute_error", "rmse")
"""Metrics of a regression."""


def live(project: "Project", run: Run | None) -> None:
    """Draw the run as it trains: curves, gradient norms and other probes by layer, diagnosis."""
    with main_picture():
        if run is None:
            st.code(EXAMPLE, language="python")
        else:
            live_run.show(project, run, more=_gradients)
    if run is None:
        st.caption("Run this in a script or notebook of this machine: its curves appear here, live.")



def results(project: "Project", run: Run | None) -> None:
    """Draw the evaluation of the predictions that the loop passed to `finish`."""
    bundle = None if run is None else run.bundle
    if run is None or bundle is None:
        st.info(
            "Call `run.finish(scores, targets)` at the end of the loop: metrics, confusion and calibration appear here.",
            icon=":material/analytics:",
        )
        return
    stored = run_cache.predictions(bundle)
    if stored["test_scores"].ndim == 2:
        classifiers.results(project, run)
        return
    evaluation = run_cache.evaluation(bundle)
    st.markdown(as_text(evaluation.verdict))
    with main_picture():
        figure = predicted_against_actual(stored["test_scores"], stored["test_targets"])
        show_figure(figure, key="predicted-actual", alt=f"Predicted against actual values; {evaluation.verdict}")
    _value_table(evaluation, title=run.record.model)
    show_learning_curves(bundle, run.record, loss="Loss by epoch (log scale).")


def _value_table(evaluation: Evaluation, *, title: str) -> None:
    rows = {title: evaluation.metrics}
    rows |= {baseline_title(name): values for name, values in evaluation.baselines.items()}
    table = [
        {"Method": method, **{METRICS[name].title: format_with_interval(values, name) for name in VALUES}}
        for method, values in rows.items()
    ]
    st.dataframe(pd.DataFrame(table), hide_index=True, width="stretch", alt="Metrics of the run and of the baseline")
    st.caption("In brackets: 95 % bootstrap confidence interval.")


def _gradients(run: Run) -> None:
    """Draw the diagnosis in one line, and the probes by layer and step."""
    norms = run.gradients()
    if norms is None or not len(norms.steps):
        return
    everything = list(range(len(norms.layers)))
    network = flow.build_network(norms, as_text(run.record.model), run_id=run.run_id, layers=everything)
    flow.show_verdict(network)
    flow.show_map([network], key=f"watched-{run.run_id}")
    with st.expander("Layers", icon=":material/layers:"):
        numbered = [f"{number}. {as_text(describe_layer(name))}" for number, name in enumerate(norms.layers, start=1)]
        st.markdown("\n".join(numbered))
        st.caption(f"{len(norms.steps):,} steps measured, the last one at step {int(np.max(norms.steps)):,}.")
