"""Results panel for photos: results of the runs, and the effect of pretraining with few photos."""

import json
from collections import defaultdict
from typing import Any

import streamlit as st

from dlcore.core import settings
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.transfer import BackboneResult, LearningCurvePoint, accuracy_by_compute, learning_curve
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.widgets.figure import show_figure

NAMES = {"pretrained": "frozen, pretrained on ImageNet", "random": "the same network from scratch"}
TABLE = settings.ASSETS / "food_curve.json"
BACKBONES = settings.ASSETS / "food_backbones.json"


def results(project: Project, run: Run | None) -> None:
    """Draw the results of one or several runs, the stored comparison of backbones, and the learning curve."""
    comparison.results(project, run)
    backbones = json.loads(BACKBONES.read_text(encoding="utf-8")) if BACKBONES.exists() else []
    if backbones:
        with st.expander("Which pretrained network?", icon=":material/balance:"):
            _backbones(project, backbones)
    rows = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else []
    if rows:
        with st.expander("How many photos does it take?", icon=":material/stacked_line_chart:"):
            _curve(rows)


def _curve(rows: list[dict[str, Any]]) -> None:
    lines: dict[str, list[LearningCurvePoint]] = defaultdict(list)
    for row in rows:
        point = LearningCurvePoint(row["each"], row["accuracy"], row["accuracy_low"], row["accuracy_high"])
        lines[NAMES[row["start"]]].append(point)
    example = min(rows, key=lambda row: (row["start"] != "pretrained", row["each"]))
    text = f"accuracy {format_percent(example['accuracy'], digits=0)} with {example['each']} photos per class"
    show_figure(learning_curve(lines, chance=0.1), key="food-curve", alt=f"Accuracy by photos per class; {text}")
    st.caption(
        f"MobileNetV2 on ten dishes of Food-101, {rows[0]['n']} test photos, bars are 95 % intervals, seeds "
        f"{', '.join(sorted({str(row['seed']) for row in rows}))}, measured on one core of {rows[0]['processor']} by "
        "`python tests/benchmarks/food_curve.py`. All points share the test photos, so differences along a "
        "line are more certain than the intervals suggest."
    )
    scratch = [row["seen"] for row in rows if row["start"] == "random"]
    if scratch:
        st.caption(
            f"From scratch: photos of 96 x 96 pixels, {max(scratch):,} samples per dish, with repetition. Such "
            "short training varies at random; longer training improves it."
        )


def _backbones(project: Project, rows: list[dict[str, Any]]) -> None:
    """Draw accuracy by compute and by number of photos, and a table of size and latency."""
    results: list[BackboneResult] = []
    lines: dict[str, list[LearningCurvePoint]] = {}
    for row in rows:
        name, last = _name(project, row["backbone"]), max(row["curve"], key=lambda point: point["each"])
        results.append(
            BackboneResult(name, row["multiply_adds"], last["accuracy"], last["accuracy_low"], last["accuracy_high"])
        )
        lines[name] = [
            LearningCurvePoint(point["each"], point["accuracy"], point["accuracy_low"], point["accuracy_high"])
            for point in row["curve"]
            if point["seed"] == 0
        ]
    results.sort(key=lambda result: -result.accuracy)
    best = results[0]
    text = f"{best.name} is first with {format_percent(best.accuracy)}"
    show_figure(accuracy_by_compute(results), key="food-backbones", alt=f"Accuracy by multiply-adds; {text}")
    show_figure(learning_curve(lines, chance=0.1), key="food-backbone-curve", alt="Accuracy by photos per class")
    st.dataframe(
        [
            {
                "Network": _name(project, row["backbone"]),
                "Accuracy": format_percent(max(row["curve"], key=lambda point: point["each"])["accuracy"]),
                "Parameters": f"{row['parameters']:,}",
                "Multiply-adds": f"{row['multiply_adds'] / 1e6:,.0f} million",
                "Latency": f"{row['latency_ms']:.0f} ms",
                "Reported on ImageNet": format_percent(row["imagenet"]),
            }
            for row in rows
        ],
        hide_index=True,
    )
    st.caption(
        f"Frozen networks on ten dishes of Food-101, {rows[0]['n']:,} test photos: logistic regression on features of "
        "a photo and its mirror image, C by cross-validation. Bars are 95 % intervals, seed 0; latency on one thread "
        f"of {rows[0]['processor']}. Measured by `python tests/benchmarks/food_backbones.py`."
    )


def _name(project: Project, backbone: str) -> str:
    """Return the title of a backbone, without how the model of that name trains it."""
    return project.models[backbone].title.partition(",")[0]
