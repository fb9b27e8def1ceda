"""Curves of a comparison: each model's mean over its seeds and the range around it, all on one hover."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from dlcore import runs
from dlcore.runs import ACTIVE, Curve, Record
from dlcore.runs.comparisons import Comparison
from dlcore.ui.components.curves.component import DRAWN, RunCurves, show_curves
from dlcore.ui.widgets import run_cache

if TYPE_CHECKING:
    from dlcore.projects.project import Project

POOLED = tuple(name for name in DRAWN if name != "batch_loss")


def show(project: "Project", comparison: Comparison) -> None:
    """Draw the curves, and those that others report where they are asked for."""
    drawn = [
        curves
        for place, (arm, records) in enumerate(comparison.arms.items())
        if (curves := variant_curves(arm, records, colour=place)) is not None
    ]
    models = {records[0].model: place for place, records in enumerate(comparison.arms.values())}
    same = {record.dataset for record in comparison.records} == {
        project.datasets[0]
    }  # what was reported is of the first
    claimed = {model: project.reported_curves[model] for model in models if same and model in project.reported_curves}
    if claimed and st.toggle(
        "Show what a course's report claims, too",
        key=f"reported-{project.slug}",
        help="Dotted, by epoch: read off a report on 30,000 pictures; its recipe, split and code are not known.",
    ):
        claims = ", ".join(f"{project.models[name].title} {value:.1%}" for name, value in project.reported.items())
        st.caption(f"Reported as the best on validation: {claims}. Not measured here.")
        drawn += [reported_curves(model, claimed[model], project=project, colour=models[model]) for model in claimed]
    if not drawn:
        st.caption("The first curves appear with the first epochs.")
        return
    show_curves(drawn, key=f"compared-{project.slug}")
    several = max((len(records) for records in comparison.arms.values()), default=1) > 1
    st.caption(
        ("The band reaches from the lowest to the highest seed, the line is their mean. " if several else "")
        + "Solid: on the training part. Dashed: on validation. Choose seconds to see who gets there first."
    )


def variant_curves(arm: str, records: Sequence[Record], *, colour: int) -> RunCurves | None:
    """The seeds of one arm as one set of curves; None before any of them has ended an epoch."""
    found = [(record, history) for record in records if (history := _history(record)).get("validation_loss")]
    if not found:
        return None
    history, bands = pooled_curves([history for _, history in found])
    first = found[0][0]
    return RunCurves(
        run_id=f"{arm}-{len(found)}",
        label=arm if len(records) == 1 else f"{arm}, {len(found)} of {len(records)} seeds",
        history=history,
        steps_per_epoch=first.steps_per_epoch,
        batch_size=first.batch_size,
        bands=bands,
        color=colour,
    )


def pooled_curves(
    histories: Sequence[Mapping[str, Curve]],
) -> tuple[dict[str, Curve], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Mean of several runs' curves at every step that one of them has, and the lowest and highest at it."""
    means, bands = {}, {}
    for name in POOLED:
        curves = [history[name] for history in histories if name in history and len(history[name].steps)]
        if not curves:
            continue
        steps = np.unique(np.concatenate([curve.steps for curve in curves]))
        table = np.full((len(curves), len(steps)), np.nan)
        for row, curve in zip(table, curves, strict=True):
            row[np.searchsorted(steps, curve.steps)] = curve.values
        known = ~np.isnan(table).all(axis=0)
        steps, table = steps[known], table[:, known]
        means[name] = Curve(steps, np.nanmean(table, axis=0))
        if len(curves) > 1 and name not in ("learning_rate", "elapsed_s"):
            bands[name] = (np.nanmin(table, axis=0), np.nanmax(table, axis=0))
    return means, bands


def reported_curves(
    model: str, curves: Mapping[str, tuple[float, ...]], *, project: "Project", colour: int
) -> RunCurves:
    """What others claim, a value an epoch."""
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
        color=colour,
    )


def _history(record: Record) -> Mapping[str, Curve]:
    run = runs.open_run(record.run_id)
    bundle = None if record.state in ACTIVE else run.bundle
    return run_cache.history(bundle) if bundle else run.history()
