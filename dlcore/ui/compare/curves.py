"""Learning curves of a comparison: mean and range over the seeds of each model."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dlcore import runs
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import svg
from dlcore.plots.palette import ORDER
from dlcore.runs import ACTIVE, Curve, Record
from dlcore.runs.comparisons import Comparison
from dlcore.runs.run_comparison import pooled_curves
from dlcore.ui.components.curves.component import METRICS, RunCurves, show_curves
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache

if TYPE_CHECKING:
    from dlcore.projects.project import Project

HEIGHT = 370
"""Pixels of the chart, which fits below the page's head on a laptop."""
POOLED = tuple(name for name in METRICS if name != "batch_loss")
DONE = ("validation_loss", "validation_accuracy", "validation_skill")
"""Metrics of a finished epoch."""
LOSSES = tuple(name for name in METRICS if name.endswith("loss"))


def show(project: "Project", comparison: Comparison) -> None:
    """Render the curves; on request with the curves of a published report."""
    hidden = () if has_comparable_losses(project, comparison) else LOSSES
    draw(comparison, key=f"compared-{project.slug}", hidden=hidden, more=partial(_reported, project, comparison))


def draw(
    comparison: Comparison,
    *,
    key: str,
    hidden: Sequence[str] = (),
    height: int = HEIGHT,
    more: Callable[[], list[RunCurves]] = list,
) -> None:
    """Render the curves of a comparison without `hidden` metrics; `more` adds curves below the first frame."""
    curves_of_variants = [
        curves
        for index, (variant, records) in enumerate(comparison.variants.items())
        if (curves := variant_curves(variant, records, color=index, hidden=hidden)) is not None
    ]
    with main_picture(_first_frame(curves_of_variants, height), alt="Validation loss and accuracy", height=height):
        chart = st.container()
    curves_of_variants += more()
    if not curves_of_variants:
        st.caption("Curves appear after the first batches.")
        return
    with chart:
        show_curves(curves_of_variants, key=key, height=height)
    if hidden:
        st.caption("Losses are not shown: these runs predict different targets, so they have different units.")
    if max((len(records) for records in comparison.variants.values()), default=1) > 1:
        st.caption("Line: mean over seeds. Band: lowest to highest seed.")


def _reported(project: "Project", comparison: Comparison) -> list[RunCurves]:
    """Offer the curves of a published report and return them on request."""
    models = {records[0].model: index for index, records in enumerate(comparison.variants.values())}
    same = {record.dataset for record in comparison.records} == {project.datasets[0]}
    same = same and len(models) == len(comparison.variants)  # models are compared, not settings
    reported = {model: project.reported_curves[model] for model in models if same and model in project.reported_curves}
    if reported and st.toggle(
        "Show reported curves",
        key=f"reported-{project.slug}",
        bind="query-params",
        help="Dotted, by epoch: from a course report on 30,000 images with unknown hyperparameters, split and code.",
    ):
        values = ", ".join(
            f"{project.models[name].title} {format_percent(value)}" for name, value in project.reported.items()
        )
        st.caption(f"Reported best validation accuracy: {values}. Not reproduced here.")
        return [reported_curves(model, reported[model], project=project, color=models[model]) for model in reported]
    return []


def _first_frame(variants: Sequence[RunCurves], height: int) -> str:
    """Return validation loss above validation accuracy by epoch as SVG, before plotly.js is here; empty without."""
    charts = []
    for place, (metric, name) in enumerate((("validation_loss", "Loss"), ("validation_accuracy", "Accuracy"))):
        lines = [
            svg.Line(
                run.history[metric].values,
                run.history[metric].steps / max(1, run.steps_per_epoch),
                color=ORDER[(run.color or 0) % len(ORDER)],
                name=run.label if not place else "",
            )
            for run in variants
            if metric in run.history and len(run.history[metric].values) > 1
        ]
        if lines:
            values = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
            longest = max(lines, key=lambda line: len(line.y))
            lines.sort(key=lambda line: line is not longest)  # the first one sets the x axis
            axes = svg.Axes(float(values.min()), float(values.max()), name=name)
            half = height // 2
            chart = svg.line_chart(lines, axes, height=half)
            charts.append(f'<svg y="{place * half}" height="{half}">{chart}</svg>')
    return svg.document("".join(charts)) if charts else ""


def has_comparable_losses(project: "Project", comparison: Comparison) -> bool:
    """Return whether the losses of all runs have the same meaning and unit.

    A task whose search has another goal than the loss computes it on a target that settings of the data change.
    """
    if project.task.goal is None:
        return True
    options = [runs.open_run(records[0].run_id).config.data_options for records in comparison.variants.values()]
    return all(other == options[0] for other in options)


def variant_curves(
    variant: str, records: Sequence[Record], *, color: int, hidden: Sequence[str] = ()
) -> RunCurves | None:
    """Return the pooled curves of the seeds of a variant, without `hidden` metrics; None before the first value.

    Until an epoch is finished, the loss of the batches is shown.
    """
    histories = [
        (record, {name: curve for name, curve in _history(record).items() if name not in hidden}) for record in records
    ]
    names: tuple[str, ...] = POOLED
    started = [(record, history) for record, history in histories if not history.keys().isdisjoint(DONE)]
    if not started:
        names = ("batch_loss",)
        started = [(record, history) for record, history in histories if "batch_loss" in history]
    if not started:
        return None
    history, bands = pooled_curves([history for _, history in started], names)
    first = started[0][0]
    seeds = "" if len(records) == 1 else f", {len(started)} of {len(records)} seeds"
    return RunCurves(
        run_id=f"{variant}-{len(started)}",
        label=f"{variant}{describe_size(records)}{seeds}",
        history=history,
        steps_per_epoch=first.steps_per_epoch,
        batch_size=first.batch_size,
        bands=bands,
        color=color,
    )


def describe_size(records: Sequence[Record]) -> str:
    """Return parameters and multiply-adds of a variant, ", 383 k parameters, 8.7 M multiply-adds"; empty if unknown."""
    size = ""
    if records[0].parameters:
        size = f", {format_size(records[0].parameters)} parameters"
    bundle = None if records[0].state in ACTIVE else runs.open_run(records[0].run_id).bundle
    if bundle is not None and (multiply_adds := bundle.run.get("multiply_adds")):
        size += f", {format_size(multiply_adds)} multiply-adds"
    return size


def format_size(count: float) -> str:
    """Format a count with two to three digits: 950, 383 k, 8.7 M, 1.2 G."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if count >= size:
            return f"{count / size:.{1 if count < 10 * size else 0}f}{unit}"
    return f"{count:.0f}"


def reported_curves(
    model: str, curves: Mapping[str, tuple[float, ...]], *, project: "Project", color: int
) -> RunCurves:
    """Return the curves of a published report, one value per epoch."""
    history = {
        name: Curve(np.arange(1, len(values) + 1, dtype=np.int64), np.array(values)) for name, values in curves.items()
    }
    return RunCurves(
        run_id=f"reported-{model}",
        label=f"{project.models[model].title}, reported",
        history=history,
        steps_per_epoch=1,
        batch_size=1,
        reported=True,
        color=color,
    )


def _history(record: Record) -> Mapping[str, Curve]:
    run = runs.open_run(record.run_id)
    bundle = None if record.state in ACTIVE else run.bundle
    return run_cache.history(bundle) if bundle else run.history()
