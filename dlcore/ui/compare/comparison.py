"""Results of one run, or of several side by side: chosen by a switch, so that any project's page may offer both."""

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
from dlcore.ui.shell.jobs_bar import store_exists
from dlcore.ui.shell.page import load
from dlcore.ui.shell.run_picker import label, list_records
from dlcore.ui.shell.times import format_age
from dlcore.ui.train.comparison_form import ADDRESS

if TYPE_CHECKING:
    from dlcore.projects.project import Project
    from dlcore.ui.shell.page import Panel

    More = Callable[[Comparison], None]

ONE, SEVERAL = "This run", "Side by side"
CHOSEN = "chosen"
"""What stands for runs picked by hand in the list of comparisons."""
EVERY = 2.0
"""Seconds between two looks at a comparison that is still running."""
_OF_ONE = {"anomaly detection": "dlcore.ui.pages.anomaly.panels:results"}
"""Task -> results of a single run; other tasks show those of a classifier."""
_OF_CLASSES = "dlcore.ui.modalities.results:results"


def results(project: "Project", run: Run | None, *, one: "Panel | None" = None, more: "More | None" = None) -> None:
    """The switch, and what it says; `one` shows a single run where the project has results of its own kind, `more` what
    else it has to show of a comparison."""
    asked = st.query_params.get(ADDRESS, "")
    view = st.segmented_control(
        "Results of",
        [ONE, SEVERAL],
        default=SEVERAL if asked else ONE,
        required=True,
        key=f"view-{project.slug}-{asked}",
        label_visibility="collapsed",
    )
    if view == SEVERAL:
        side_by_side(project, more=more)
    else:
        (one or load(_OF_ONE.get(project.task.name, _OF_CLASSES)))(project, run)


def side_by_side(project: "Project", *, more: "More | None" = None) -> None:
    """Choose a comparison and see it: who wins, curves, costs, classes, and `more`."""
    chosen = _choose(project)
    if chosen is None:
        return
    chosen = titled(project, chosen)
    _state(chosen)
    active = bool(chosen.active)
    fragment(_curves, run_every=EVERY if active else None)(project, chosen, len(chosen.active))
    if more is not None:
        with_error_boundary(lambda: more(chosen))
    _scores(project, chosen)


def _scores(project: "Project", chosen: Comparison) -> None:
    """Who wins, at what cost, class by class."""
    found = comparison_scores.tested_variants(chosen.arms)
    if not found:
        st.info("Scores appear when the first run has ended and was tested.", icon=":material/hourglass_top:")
        return
    if not comparison_scores.classifiers(found):
        with_error_boundary(lambda: comparison_scores.metrics(found))
        return
    if not comparison_scores.has_same_samples(found):
        st.warning(
            "These runs were not tested on the same samples, so their scores are not compared: choose runs of one "
            "dataset.",
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
    known = {one.comparison_id: one for one in (comparisons.list_comparisons(project.slug) if store_exists() else [])}
    shipped = comparisons.from_references(project.slug)
    if shipped:
        known[shipped.comparison_id] = shipped
    records = {record.run_id: record for record in list_records(project.slug)}
    if not known and len(records) < 2:
        st.info(
            "Nothing to compare yet: open **Train** above, then **Compare several models**. A comparison trains each "
            "model with several seeds, one run after the other, and this page follows it.",
            icon=":material/compare_arrows:",
        )
        return None
    names = {key: _title(one) for key, one in known.items()} | {CHOSEN: "Runs that I choose"}
    asked = st.query_params.get(ADDRESS, "")
    if asked and asked not in known:
        st.warning(
            "The comparison that this address asks for is not here: it was made elsewhere, or its runs were deleted.",
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
        st.caption("Runs alike in all but the seed are taken together.")
        return None
    return comparisons.from_runs(picked)


def titled(project: "Project", one: Comparison) -> Comparison:
    """The same with arms that bear a model's name called by the model's title."""
    arms = {}
    for arm, records in one.arms.items():
        model = records[0].model
        plain = model in project.models and (arm == model or arm.startswith(f"{model} ("))
        arms[arm.replace(model, project.models[model].title, 1) if plain else arm] = records
    return replace(one, arms=arms)


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
        if st.button("Stop them all", icon=":material/stop:", key=f"stop-{chosen.comparison_id}"):
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
    with_error_boundary(lambda: comparison_curves.show(project, titled(project, chosen)))
