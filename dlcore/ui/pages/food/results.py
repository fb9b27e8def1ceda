"""Results panel for photos: results of the runs, and the effect of pretraining with few photos."""

import json
from collections import defaultdict
from typing import Any

import streamlit as st

from dlcore.core import settings
from dlcore.evaluation.metrics import format_percent
from dlcore.plots.transfer import LearningCurvePoint, learning_curve
from dlcore.projects.project import Project
from dlcore.runs import Run
from dlcore.ui.compare import comparison
from dlcore.ui.widgets.figure import show_figure

NAMES = {"pretrained": "frozen, pretrained on ImageNet", "random": "the same network from scratch"}
TABLE = settings.ASSETS / "food_curve.json"


def results(project: Project, run: Run | None) -> None:
    """Draw the results of one or several runs, and the stored learning curve."""
    comparison.results(project, run)
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
