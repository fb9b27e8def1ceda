"""Results of the page on recurrent networks: which gap each can bridge, and the scores of the chosen run."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore.core.settings import ASSETS
from dlcore.plots.palette import BLUE, GRAY, GREEN, ORANGE, VERMILLION
from dlcore.plots.style import blank
from dlcore.projects.foundations import rnn
from dlcore.runs import Run
from dlcore.ui.modalities import results as classification_results
from dlcore.ui.shell.run_picker import list_records
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.learning_curves import show_learning_curves
from dlcore.ui.widgets.metric_table import compare_with_baseline, score_table

if TYPE_CHECKING:
    from dlcore.projects.project import Project

TABLE = ASSETS / "memory_task.json"
NAMES = {
    "rnn": "Recurrent, by hand",
    "lstm": "LSTM, forget gates start at 3",
    "lstm_forget_1": "LSTM, forget gates at 1",
}
COLOURS = {"rnn": BLUE, "lstm": VERMILLION, "lstm_forget_1": ORANGE}


def results(project: "Project", run: Run | None) -> None:
    """The curves by gap, then the chosen run."""
    _bridges(project)
    st.divider()
    if run is None or run.record.dataset != rnn.MEMORY:
        classification_results.results(project, run)
        return
    bundle = run_cache.finished_bundle(run, to_see="its scores and its curves")
    if bundle is None:
        return
    evaluation = run_cache.evaluation(bundle)
    st.markdown(f"{evaluation.verdict} {compare_with_baseline(evaluation, 'accuracy')}")
    st.caption("The baselines are handed all steps at once, so they need no memory: that they win here is no surprise.")
    score_table(evaluation, title=project.models[run.record.model].title, n=rnn.TEST_ROWS, unit="sequences")
    show_learning_curves(
        bundle,
        run.record,
        loss="Mean surprise at the true signal, on a logarithmic axis; guessing gets 2.30.",
        accuracy="Share of signals remembered; guessing gets 0.1.",
    )


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """What tests/benchmarks/memory.py measured."""
    data: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return data


def bridges() -> dict[str, dict[int, float]]:
    """model -> gap -> accuracy, the mean over seeds."""
    return {
        model: {int(gap): float(np.mean(values)) for gap, values in value.items()}
        for model, value in table()["accuracy"].items()
    }


def _bridges(project: "Project") -> None:
    st.subheader("Which gap can each bridge?", anchor=False)
    about = table()
    show_figure(_curves(project, about), key="bridges", alt="Accuracy by gap of the recurrent network and of the LSTM")
    longest = {model: rnn.longest_gap(bridges(), model) for model in about["accuracy"]}
    settings = about["settings"]
    st.markdown(
        f"Right nine times of ten up to a gap of **{longest['rnn']}** steps (recurrent, by hand), "
        f"**{longest['lstm']}** (LSTM) and **{longest['lstm_forget_1']}** (LSTM whose forget gates start less open: "
        "each step keeps 0.73 of the cell instead of 0.95)."
    )
    st.caption(
        f"Synthetic memory task, {settings['rows']:,} sequences, {settings['epochs']} epochs, state of "
        f"{settings['width']}, seeds {', '.join(map(str, about['seeds']))} (points), accuracy on "
        f"{about['test_sequences']:,} test sequences. Measured with `{about['command']}`. Your own finished runs "
        "on the memory task are drawn as crosses."
    )


def _curves(project: "Project", about: dict[str, Any]) -> go.Figure:
    figure = blank("Accuracy by gap", x="gap, steps of noise", y="accuracy on test, %", height=340)
    for model, found in about["accuracy"].items():
        gaps = [int(gap) for gap in found]
        means = [100 * float(np.mean(values)) for values in found.values()]
        name, colour = NAMES[model], COLOURS[model]
        figure.add_scatter(x=gaps, y=means, mode="lines", name=name, line={"color": colour})
        dots = [(gap, 100 * value) for gap, values in found.items() for value in values]
        figure.add_scatter(
            x=[int(gap) for gap, _ in dots],
            y=[value for _, value in dots],
            mode="markers",
            showlegend=False,
            marker={"color": colour, "size": 7},
            name=f"{name}, one seed",
        )
    own = [
        record for record in list_records(project.slug) if record.dataset == rnn.MEMORY and "accuracy" in record.metrics
    ]
    if own:
        _own(figure, own)
    figure.add_hline(y=10, line={"color": GRAY, "dash": "dot"}, annotation_text="guessing")
    figure.update_xaxes(type="log", tickvals=[5, 10, 20, 40, 80, 120, 200])
    figure.update_yaxes(range=[0, 104])
    return figure


def _own(figure: go.Figure, records: list[Any]) -> None:
    from dlcore import runs

    gaps = [int(runs.open_run(record.run_id).config.flat["gap"]) for record in records]
    figure.add_scatter(
        x=gaps,
        y=[100 * record.metrics["accuracy"] for record in records],
        mode="markers",
        name="runs here",
        text=[record.model for record in records],
        marker={"symbol": "x", "size": 10, "color": GREEN},
    )
