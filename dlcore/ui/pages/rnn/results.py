"""Results panel of the RNN page: accuracy by gap on the memory task, and the scores of a run."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.core.settings import ASSETS
from dlcore.plots.palette import BLUE, GRAY, GREEN, ORANGE, VERMILLION
from dlcore.plots.style import blank
from dlcore.projects.foundations import rnn
from dlcore.runs import Run
from dlcore.ui.compare import comparison
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
    "rnn": "RNN in NumPy",
    "lstm": "LSTM, forget gate bias 3",
    "lstm_forget_1": "LSTM, forget gate bias 1",
}
COLORS = {"rnn": BLUE, "lstm": VERMILLION, "lstm_forget_1": ORANGE}


def results(project: "Project", run: Run | None) -> None:
    """Draw one run, or compare several."""
    comparison.results(project, run, run_panel=_show_run)


def _show_run(project: "Project", run: Run | None) -> None:
    """Draw accuracy by gap, then the run's results."""
    _show_gaps(project)
    st.divider()
    if run is None or run.record.dataset != rnn.MEMORY:
        classification_results.results(project, run)
        return
    bundle = run_cache.finished_bundle(run, to_see="its scores and learning curves")
    if bundle is None:
        return
    evaluation = run_cache.evaluation(bundle)
    st.markdown(f"{as_text(evaluation.verdict)} {compare_with_baseline(evaluation, 'accuracy')}")
    st.caption("The baselines get all steps at once and need no memory, so they are expected to win.")
    score_table(evaluation, title=project.models[run.record.model].title, n=rnn.TEST_ROWS, unit="sequences")
    show_learning_curves(
        bundle,
        run.record,
        loss="Cross-entropy loss (log scale); random guessing: 2.30.",
        accuracy="Share of correct predictions; random guessing: 10 %.",
    )


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """Return the results of tests/benchmarks/memory.py."""
    benchmark: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return benchmark


def mean_accuracies() -> dict[str, dict[int, float]]:
    """Return model -> gap -> accuracy (mean over seeds)."""
    return {
        model: {int(gap): float(np.mean(values)) for gap, values in by_gap.items()}
        for model, by_gap in table()["accuracy"].items()
    }


def _show_gaps(project: "Project") -> None:
    st.subheader("Accuracy by gap", anchor=False)
    benchmark = table()
    show_figure(_curves(project, benchmark), key="bridges", alt="Accuracy by gap of RNN and LSTM")
    longest = {model: rnn.longest_gap(mean_accuracies(), model) for model in benchmark["accuracy"]}
    settings = benchmark["settings"]
    st.markdown(
        f"Longest gap with 90 % accuracy: **{longest['rnn']}** steps (RNN in NumPy), **{longest['lstm']}** (LSTM), "
        f"**{longest['lstm_forget_1']}** (LSTM with forget gate bias 1: 0.73 of the cell state is preserved per step, "
        "instead of 0.95)."
    )
    st.caption(
        f"Synthetic memory task, {settings['rows']:,} sequences, {settings['epochs']} epochs, hidden size "
        f"{settings['width']}, seeds {', '.join(map(str, benchmark['seeds']))} (points), accuracy on "
        f"{benchmark['test_sequences']:,} test sequences. Measured with `{benchmark['command']}`. Crosses: your "
        "finished runs on the memory task."
    )


def _curves(project: "Project", benchmark: dict[str, Any]) -> go.Figure:
    figure = blank("Accuracy by gap", x="gap (steps of noise)", y="test accuracy, %", height=340)
    for model, by_gap in benchmark["accuracy"].items():
        gaps = [int(gap) for gap in by_gap]
        means = [100 * float(np.mean(values)) for values in by_gap.values()]
        name, color = NAMES[model], COLORS[model]
        figure.add_scatter(x=gaps, y=means, mode="lines", name=name, line={"color": color})
        dots = [(gap, 100 * value) for gap, values in by_gap.items() for value in values]
        figure.add_scatter(
            x=[int(gap) for gap, _ in dots],
            y=[value for _, value in dots],
            mode="markers",
            showlegend=False,
            marker={"color": color, "size": 7},
            name=f"{name}, single seed",
        )
    records = [
        record for record in list_records(project.slug) if record.dataset == rnn.MEMORY and "accuracy" in record.metrics
    ]
    if records:
        _add_runs(figure, records)
    figure.add_hline(y=10, line={"color": GRAY, "dash": "dot"}, annotation_text="random guessing")
    figure.update_xaxes(type="log", tickvals=[5, 10, 20, 40, 80, 120, 200])
    figure.update_yaxes(range=[0, 104])
    return figure


def _add_runs(figure: go.Figure, records: list[Any]) -> None:
    from dlcore import runs

    gaps = [int(runs.open_run(record.run_id).config.flat["gap"]) for record in records]
    figure.add_scatter(
        x=gaps,
        y=[100 * record.metrics["accuracy"] for record in records],
        mode="markers",
        name="your runs",
        text=[record.model for record in records],
        marker={"symbol": "x", "size": 10, "color": GREEN},
    )
