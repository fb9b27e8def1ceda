"""Results panel of fine-tuning: classifier results, and cost and accuracy by number of training texts."""

import json
from collections import defaultdict
from typing import Any

import pandas as pd
import streamlit as st

from dlcore.core import settings
from dlcore.evaluation import uncertainty
from dlcore.evaluation.metrics import format_percent, format_with_interval
from dlcore.plots.transfer import CurveLabels, LearningCurvePoint, learning_curve
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.pages.bert import ways
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets.figure import show_figure

TABLE = settings.ASSETS / "bert_curve.json"
TRAINING_MODES = {
    "all_layers": "all layers fine-tuned",
    "last_layers": "last layers fine-tuned",
    "head": "frozen BERT, head only",
    "scratch": "the same network from scratch",
}
NB_SVM = "NB-SVM on bigrams, no network"
LABELS = CurveLabels("questions", "questions", "%{x} questions")


def results(project: Project, run: Run | None) -> None:
    """Draw one run, or compare several; and the shipped learning curve."""
    with_error_boundary(lambda: comparison.results(project, run))  # shown for every state of the run
    with_error_boundary(ways.show)
    rows = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else []
    if rows:
        first = [row for row in rows if row["seed"] == min(other["seed"] for other in rows if _same(row, other))]
        st.subheader("On TREC-6: accuracy and cost by number of training questions", anchor=False)
        st.markdown(summarize(first))
        _curve(first)
        _costs(first, rows)


def _same(row: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two trainings differ only in the seed."""
    return bool(row["way"] == other["way"] and row["texts"] == other["texts"])


def _curve(rows: list[dict[str, Any]]) -> None:
    lines: dict[str, list[LearningCurvePoint]] = {
        TRAINING_MODES[mode]: [] for mode in TRAINING_MODES if any(row["way"] == mode for row in rows)
    }
    for row in rows:
        point = LearningCurvePoint(row["texts"], row["accuracy"], row["accuracy_low"], row["accuracy_high"])
        lines[TRAINING_MODES[row["way"]]].append(point)
    lines[NB_SVM] = [
        LearningCurvePoint(texts, right, *uncertainty.wilson(round(right * n), n))
        for texts, right, n in sorted({(row["texts"], row["nb_svm"], row["n"]) for row in rows})
    ]
    figure = learning_curve(lines, chance=rows[0]["majority"], guess="majority class", of=LABELS)
    below = {
        "orientation": "h",
        "y": -0.3,
        "yanchor": "top",
    }  # five names: above, they would cover the title on a phone
    figure.update_layout(height=480, legend=below, margin={"b": 170})
    show_figure(figure, key="bert-curve", alt=summarize(rows))
    st.caption(
        f"TREC's six classes, {rows[0]['n']} test questions, bars are 95 % intervals. All points share "
        "the test questions, so differences are more certain than the bars suggest."
    )


def _costs(rows: list[dict[str, Any]], all_rows: list[dict[str, Any]]) -> None:
    largest = max(row["texts"] for row in rows)
    table = [
        {
            "Training mode": TRAINING_MODES[row["way"]],
            "Trained weights": f"{row['trained']:,}",
            "CPU seconds": f"{row['seconds']:,.0f}",
            "Epochs": row["epochs"],
            "Accuracy": format_with_interval(row, "accuracy"),
            "Over seeds": _over_seeds([other["accuracy"] for other in all_rows if _same(row, other)]),
        }
        for mode in TRAINING_MODES
        for row in rows
        if row["way"] == mode and row["texts"] == largest
    ]
    st.dataframe(pd.DataFrame(table), hide_index=True)
    st.caption(
        f"With all {largest:,} training questions. CPU seconds from reading the data to the last epoch, on one "
        f"core of {rows[0]['processor']}; seed {', '.join(sorted({str(row['seed']) for row in rows}))}; measured by "
        "`python tests/benchmarks/bert_curve.py`. The 11.7 million embedding weights are trained from scratch only."
    )


def _over_seeds(accuracies: list[float]) -> str:
    """Return mean, minimum and maximum over seeds."""
    if len(accuracies) < 2:
        return "–"
    mean = sum(accuracies) / len(accuracies)
    return (
        f"{format_percent(mean)} ({100 * min(accuracies):.1f} to {100 * max(accuracies):.1f}, {len(accuracies)} seeds)"
    )


def summarize(rows: list[dict[str, Any]]) -> str:
    """Summarize the measurements."""
    by_mode: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        by_mode[row["way"]].setdefault(row["texts"], row)
    tuned, scratch, head = by_mode["all_layers"], by_mode["scratch"], by_mode["head"]
    both = sorted(set(tuned) & set(scratch))
    if not both:
        return ""
    smallest, largest = both[0], both[-1]
    equal = next((size for size in both if tuned[size]["accuracy"] >= scratch[largest]["accuracy"]), None)
    text = (
        f"With {largest:,} questions, fine-tuning all layers reaches "
        f"{format_percent(tuned[largest]['accuracy'])} and the "
        f"same network from scratch {format_percent(scratch[largest]['accuracy'])}; with {smallest:,} they reach "
        f"{format_percent(tuned[smallest]['accuracy'])} and {format_percent(scratch[smallest]['accuracy'])}."
    )
    if equal is not None and equal < largest:
        text += f" BERT needs {equal:,} questions to beat the network from scratch with {largest:,}."
    if largest in head:
        text += (
            f" A head on the frozen BERT costs {head[largest]['seconds']:,.0f} CPU s instead of "
            f"{tuned[largest]['seconds']:,.0f} and reaches {format_percent(head[largest]['accuracy'])}."
        )
    return text
