"""Results of one run, or a comparison of several: a switch that the page of any project can show."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from dlcore.core.errors import RunError
from dlcore.runs import Run, comparisons
from dlcore.runs.comparisons import Comparison
from dlcore.ui.compare import classes as comparison_classes
from dlcore.ui.compare import costs as comparison_costs
from dlcore.ui.compare import curves as comparison_curves
from dlcore.ui.compare import splits as comparison_parts
from dlcore.ui.compare import tests as comparison_scores
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.page import load
from dlcore.ui.shell.run_picker import label, list_records
from dlcore.ui.shell.times import format_age
from dlcore.ui.train.comparison_form import ADDRESS

if TYPE_CHECKING:
    from dlcore.projects.project import Project
    from dlcore.ui.shell.page import Panel

    More = Callable[[Comparison], None]

RUN, COMPARE = "Run", "Compare"
CHOSEN = "chosen"
"""Entry of the list of comparisons for a free choice of runs."""
REFRESH_SECONDS = 2.0
"""Interval between two reads of an active comparison."""
_OF_ONE = {"csv": "dlcore.ui.pages.anomaly.panels:results"}
_OF_CLASSES = "dlcore.ui.modalities.classification:results"


def results(project: "Project", run: Run | None, *, one: "Panel | None" = None, more: "More | None" = None) -> None:
    """Render the switch and the chosen view.

    `one` renders the results of a run if the project has a panel for it; `more` adds to a comparison.
    """
    asked = st.query_params.get(ADDRESS, "")
    view = st.segmented_control(
        "View",
        [RUN, COMPARE],
        default=COMPARE if asked else RUN,
        required=True,
        key=f"view-{project.slug}-{asked}",
        label_visibility="collapsed",
    )
    if view == COMPARE:
        compare(project, more=more)
    else:
        (one or load(_OF_ONE.get(project.input_kind, _OF_CLASSES)))(project, run)


def compare(project: "Project", *, more: "More | None" = None) -> None:
    """Choose a comparison and render its curves, scores, costs, classes, and `more`."""
    chosen = _choose(project)
    if chosen is None:
        return
    chosen = with_model_titles(project, chosen)
    _state(chosen)
    active = bool(chosen.active)
    fragment(_curves, run_every=REFRESH_SECONDS if active else None)(project, chosen, len(chosen.active))
    if more is not None:
        with_error_boundary(lambda: more(chosen))
    _scores(project, chosen)


def _scores(project: "Project", chosen: Comparison) -> None:
    """Render scores, costs and classes."""
    found = comparison_scores.tested_variants(chosen.variants)
    if not found:
        st.info("Scores appear when the first run is finished.", icon=":material/hourglass_top:")
        return
    if not comparison_scores.classifiers(found):
        with_error_boundary(lambda: comparison_scores.metrics(found))
        return
    if not comparison_scores.has_same_samples(found):
        st.warning(
            "These runs have different test samples, so their scores are not comparable. Choose runs of one dataset.",
            icon=":material/rule:",
        )
        return
    with_error_boundary(lambda: comparison_parts.describe_data(found))
    with_error_boundary(lambda: comparison_scores.summarize(found))
    with_error_boundary(lambda: comparison_parts.compare_with_baselines(found))
    with_error_boundary(lambda: comparison_costs.table(project, found))
    with_error_boundary(lambda: comparison_parts.show(found))
    with_error_boundary(lambda: comparison_classes.show(project, found))


def _choose(project: "Project") -> Comparison | None:
    known = {one.comparison_id: one for one in comparisons.list_comparisons(project.slug)}
    shipped = comparisons.from_references(project.slug)
    if shipped:
        known[shipped.comparison_id] = shipped
    records = {record.run_id: record for record in list_records(project.slug)}
    if not known and len(records) < 2:
        st.info(
            "Nothing to compare yet. Open **Train**, then **Compare several models**. "
            "A comparison trains each model with several seeds.",
            icon=":material/compare_arrows:",
        )
        return None
    names = {key: _title(one) for key, one in known.items()} | {CHOSEN: "Choose runs"}
    asked = st.query_params.get(ADDRESS, "")
    if asked and asked not in known:
        st.warning(
            "The comparison in this URL does not exist. Its runs may have been deleted.",
            icon=":material/link_off:",
        )
    key = st.selectbox(
        "Comparison",
        list(names),
        index=list(names).index(asked) if asked in names else 0,
        key=f"comparison-{project.slug}-{asked}-{len(names)}",
        format_func=names.__getitem__,
    )
    if key != CHOSEN:
        return known[key]
    picked = st.multiselect(
        "Runs",
        list(records),
        key=f"compared-runs-{project.slug}",
        max_selections=30,
        placeholder="Two or more runs",
        format_func=lambda run_id: label(records[run_id]),
    )
    if len(picked) < 2:
        st.caption("Runs that differ only in their seed form one variant.")
        return None
    return comparisons.from_runs(picked)


def with_model_titles(project: "Project", one: Comparison) -> Comparison:
    """Return the comparison with model titles in place of model names."""
    variants = {}
    for variant, records in one.variants.items():
        model = records[0].model
        plain = model in project.models and (variant == model or variant.startswith(f"{model} ("))
        variants[variant.replace(model, project.models[model].title, 1) if plain else variant] = records
    return replace(one, variants=variants)


def _title(one: Comparison) -> str:
    if one.comparison_id == comparisons.REFERENCE:
        return f"★ {one.title}"
    return f"{one.title} · {format_age(one.created)}"


def _state(chosen: Comparison) -> None:
    if not chosen.active:
        bad = [record for record in chosen.records if record.state not in ("finished", "stopped")]
        if bad:
            words = "; ".join(sorted({f"{record.state}: {record.reason}" for record in bad if record.reason}))
            st.warning(f"{len(bad)} of {len(chosen.records)} runs did not finish. {words}", icon=":material/error:")
        return
    done = len(chosen.records) - len(chosen.active)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(done / len(chosen.records), text=f"{done} of {len(chosen.records)} runs done")
        if st.button("Stop all", icon=":material/stop:", key=f"stop-{chosen.comparison_id}"):
            comparisons.stop(chosen)
            st.rerun()


def _curves(project: "Project", chosen: Comparison, active: int) -> None:
    if chosen.comparison_id and chosen.comparison_id != comparisons.REFERENCE:
        try:
            chosen = comparisons.open_comparison(chosen.comparison_id)
        except RunError:
            st.rerun()
    if len(chosen.active) != active:
        st.rerun()
    with_error_boundary(lambda: comparison_curves.show(project, with_model_titles(project, chosen)))
