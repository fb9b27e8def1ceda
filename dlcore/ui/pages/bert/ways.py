"""Text classifiers of one dataset: from scratch, distilled, frozen and fine-tuned BERT, bag of words."""

import numpy as np
import pandas as pd
import streamlit as st

from dlcore import projects, runs
from dlcore.evaluation.metrics import format_interval, format_percent
from dlcore.plots.comparison import accuracy_intervals
from dlcore.runs import Run, text_models
from dlcore.runs.text_models import TextModel
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.titles import data_title
from dlcore.ui.widgets.figure import show_figure

WORDS = 32
NO_COST = "–"


@fragment
def show() -> None:
    """Draw accuracy by starting point with intervals, and the costs."""
    known = _reference_runs()
    st.subheader("What a text classifier starts from", anchor=False)
    dataset = st.selectbox(
        "Dataset", text_models.list_datasets(known), format_func=data_title, key="ways-dataset", bind="query-params"
    )
    models = text_models.collect(known, dataset)
    figure = accuracy_intervals(
        [model.name for model in models],
        np.array([model.accuracy for model in models]),
        [model.way for model in models],
        low=np.array([model.low for model in models]),
        high=np.array([model.high for model in models]),
    )
    show_figure(figure, key=f"ways-{dataset}", alt=summarize(models))
    st.markdown(summarize(models))
    measured: dict[str, float] = st.session_state.setdefault("ways-latency", {})
    if st.button("Measure latency", icon=":material/timer:", key="ways-measure"):
        with st.spinner("Measuring latency"):
            measured |= text_models.measure_latencies(models, {run.run_id: run for run in known}, words=WORDS)
    st.dataframe(pd.DataFrame([_cells(model, measured) for model in models]), hide_index=True)
    st.caption(
        f"{models[0].n:,} test texts; in brackets the 95 % interval.",
        help="Training: seconds in the run, without a frozen BERT that reads every text once before. Stored: the "
        f"weights in the bundle; the pretrained BERT comes on top. Latency: processor time for {WORDS} words.",
    )


def _reference_runs() -> list[Run]:
    """Return the reference runs of text classifiers."""
    classifiers = [
        each.slug
        for each in projects.list_projects()
        if each.section == "language" and each.task.name == "classification"
    ]
    return [run for slug in classifiers for run in (*runs.references(slug), *runs.further_references(slug))]


def _cells(model: TextModel, measured: dict[str, float]) -> dict[str, str]:
    seconds, stored = measured.get(model.run_id), model.stored_bytes
    return {
        "Model": model.name,
        "Starts from": model.way,
        "Accuracy": f"{format_percent(model.accuracy)} " + format_interval("accuracy", model.low, model.high),
        "Training": NO_COST if model.seconds is None else f"{model.seconds:,.0f} s",
        "Parameters": NO_COST if model.parameters is None else f"{model.parameters:,}",
        "Stored": NO_COST if stored is None else f"{stored / 2**20:.1f} MB",
        "Latency": NO_COST if seconds is None else f"{1000 * seconds:.1f} ms",
    }


def summarize(models: list[TextModel]) -> str:
    """Name the best model of each starting point; a bag of words within the best network's interval is named."""
    best: dict[str, TextModel] = {}
    for model in models:
        best.setdefault(model.way, model)
    text = "Best of each: " + "; ".join(f"{way} {format_percent(model.accuracy)}" for way, model in best.items()) + "."
    bag, networks = best.get(text_models.BAG), [model for way, model in best.items() if way != text_models.BAG]
    if bag is not None and networks and bag.accuracy >= max(networks, key=lambda model: model.accuracy).low:
        text += " No network clearly beats the bag of words."
    return text
