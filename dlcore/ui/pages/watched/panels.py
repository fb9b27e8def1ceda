"""Panels of the page Watched runs: curves, gradients and diagnosis while a loop runs, then its evaluation."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.evaluation.metrics import (
    METRICS,
    baseline_title,
    format_with_interval,
)
from dlcore.plots.watched import predicted_against_actual
from dlcore.projects import watched
from dlcore.projects.project import Evaluation
from dlcore.runs import Record, Run, diagnosis
from dlcore.runs.views.curves import describe_layer
from dlcore.runs.watch import imports
from dlcore.ui.modalities import results as classifiers
from dlcore.ui.pages.gradients import flow
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.shell.run_picker import remember_run
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
VALUES = ("r2", "mae", "rmse")
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
    with_error_boundary(_import_panel)


def _import_panel() -> None:
    """Draw the import of runs of other trackers."""
    with st.expander("Import from TensorBoard or Weights & Biases", icon=":material/upload_file:"):
        files = st.file_uploader(
            "Event files or .wandb files",
            accept_multiple_files=True,
            key="tracker-files",
            help="Files events.out.tfevents.*, or run-*.wandb of offline runs. Folders: dlcore runs import FOLDER.",
        )
        if not st.button("Import", icon=":material/upload_file:", key="import-tracked", disabled=not files):
            return
        try:
            with tempfile.TemporaryDirectory() as folder:
                records = [
                    record for number, file in enumerate(files or ()) for record in _import(folder, number, file)
                ]
        except WorkbenchError as error:
            st.error(error_line(error), icon=":material/error:")
            return
    remember_run(watched.SLUG, records[-1].run_id)
    st.rerun()


def _import(folder: str, number: int, file: Any) -> list[Record]:
    path = Path(folder) / f"upload-{number}" / Path(file.name).name
    path.parent.mkdir()
    path.write_bytes(file.getbuffer())
    return imports.import_tracked(path)


def results(project: "Project", run: Run | None) -> None:
    """Draw the evaluation of the predictions that the loop passed to `finish`."""
    bundle = None if run is None else run.bundle
    if run is None or bundle is None:
        if run is not None and run.record.reason == "imported":
            st.info("Other trackers store no predictions: there are curves only, under **Live**.")
            return
        st.info(
            "Call `run.finish(scores, targets)` after the loop: metrics, confusion and calibration appear here.",
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
    """Draw the diagnosis in one line, what else the curves say, and the probes by layer and step."""
    for finding in diagnosis.diagnose_run(run):
        if finding.remedy:
            st.caption(f"**{finding.kind.capitalize()}**: {as_text(finding.evidence)} {finding.remedy}")
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
