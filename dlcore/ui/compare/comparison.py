"""Results of one run, or a comparison of several, for the pages of all projects."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore import runs
from dlcore.core.errors import RunError
from dlcore.runs import Run, comparisons, lessons
from dlcore.runs.comparisons import Comparison
from dlcore.ui.compare import classes as comparison_classes
from dlcore.ui.compare import costs as comparison_costs
from dlcore.ui.compare import curves as comparison_curves
from dlcore.ui.compare import lesson as comparison_lesson
from dlcore.ui.compare import splits as comparison_splits
from dlcore.ui.compare import tests as comparison_scores
from dlcore.ui.compare import verdict as comparison_verdict
from dlcore.ui.shell.error_boundary import fragment, with_error_boundary
from dlcore.ui.shell.links import link_to_runs
from dlcore.ui.shell.page import load
from dlcore.ui.shell.run_picker import label, list_records
from dlcore.ui.shell.states import short_id
from dlcore.ui.shell.times import format_age
from dlcore.ui.shell.titles import model_title
from dlcore.ui.train.comparison_form import ADDRESS
from dlcore.ui.widgets.export_import import comparison_report_button

if TYPE_CHECKING:
    from dlcore.projects.project import Project
    from dlcore.ui.shell.page import Panel

    More = Callable[[Comparison], None]

RUN, COMPARE, BEHAVIOR = "Run", "Compare", "Behavior"
CUSTOM = "chosen"
"""Entry of the list of comparisons for a free choice of runs."""
COMPARED = "compared"
"""Query parameter with the ids of freely chosen runs, separated by commas."""
REFRESH_SECONDS = 2.0
"""Interval between two reads of an active comparison."""
_RUN_PANELS = {"anomaly detection": "dlcore.ui.pages.anomaly.panels:results"}
"""Task -> results of a single run; other tasks show those of a classifier."""
_CLASSIFIER_PANEL = "dlcore.ui.modalities.results:results"


def results(
    project: "Project",
    run: Run | None,
    *,
    run_panel: "Panel | None" = None,
    more: "More | None" = None,
    first_view: str = RUN,
) -> None:
    """Render the switch, and a run or a comparison.

    `run_panel` renders the results of a run if the project has a panel for it; `more` adds to a comparison;
    `first_view` is shown first.
    """
    row = st.container(horizontal=True, vertical_alignment="center")
    is_text_classifier = project.modality == "text" and project.task.name == "classification"
    view = choose_view(row, first_view=first_view, further=(BEHAVIOR,) if is_text_classifier else ())
    if view == COMPARE:
        compare(project, more=more, row=row)
    elif view == BEHAVIOR:
        load("dlcore.ui.modalities.behavior:show")(project, run)
    else:
        (run_panel or load(_RUN_PANELS.get(project.task.name, _CLASSIFIER_PANEL)))(project, run)


def choose_view(place: DeltaGenerator, *, first_view: str = RUN, further: tuple[str, ...] = ()) -> str:
    """Draw the switch between one run, a comparison and `further` views; it is in the URL.

    A comparison in the URL opens as one.
    """
    requested = st.query_params.get(ADDRESS, "")
    choice: str = place.segmented_control(
        "View",
        [RUN, COMPARE, *further],
        default=COMPARE if requested else first_view,
        required=True,
        key=f"view-{requested}" if requested else "view",
        bind="query-params",
        label_visibility="collapsed",
    )
    return choice


def results_of_models(project: "Project", run: Run | None) -> None:
    """Render a comparison of the reference runs first; a run of the user, if one is chosen."""
    results(project, run, first_view=COMPARE if run is None or run.record.is_reference else RUN)


def compare(project: "Project", *, row: DeltaGenerator | None = None, more: "More | None" = None) -> None:
    """Choose a comparison (in `row`, if given); render its verdict, curves, scores, costs, classes, and `more`."""
    comparison = _choose(project, row or st.container())
    if comparison is None:
        return
    if comparison.comparison_id == comparisons.REFERENCE and (text := describe_missing(project.slug, comparison)):
        st.caption(text)
    comparison = with_model_titles(project, comparison)
    _state(comparison)
    is_lesson = lessons.find_lesson(project, comparison) is not None
    with_error_boundary(lambda: comparison_lesson.show(project, comparison) if is_lesson else _headline(comparison))
    active = bool(comparison.active)
    fragment(_curves, run_every=REFRESH_SECONDS if active else None)(project, comparison, len(comparison.active))
    if more is not None:
        with_error_boundary(lambda: more(comparison))
    _scores(project, comparison)
    with_error_boundary(lambda: comparison_report_button(comparison.records))


def describe_missing(slug: str, comparison: Comparison) -> str:
    """Name the reference runs that are not part of their comparison; empty if all are."""
    compared = {record.run_id for record in comparison.records}
    missing = [run.record for run in runs.references(slug) if run.run_id not in compared]
    names = ", ".join(f"{model_title(slug, record.model)} ({short_id(record.run_id)})" for record in missing)
    return f"Not compared, since the data or its share differ: {names}." if missing else ""


def _headline(comparison: Comparison) -> None:
    """Render the verdict of comparable classifiers in one line."""
    variants = comparison_scores.tested_variants(comparison.variants)
    if variants and comparison_scores.classifiers(variants) and comparison_scores.has_same_samples(variants):
        st.markdown(comparison_verdict.headline(variants, records=comparison.records))


def _scores(project: "Project", comparison: Comparison) -> None:
    """Render scores, costs and classes."""
    variants = comparison_scores.tested_variants(comparison.variants)
    if not variants:
        st.info("Scores appear when the first run is finished.", icon=":material/hourglass_top:")
        return
    if not comparison_scores.classifiers(variants):
        with_error_boundary(lambda: comparison_scores.metrics(variants))
        if len({record.dataset for record in comparison.records}) > 1:
            st.caption("These runs have different data: compare each with its own baselines under Run.")
        return
    if not comparison_scores.has_same_samples(variants):
        st.warning(
            "These runs have different test samples, so their scores are not comparable. Choose runs of one dataset.",
            icon=":material/rule:",
        )
        return
    with_error_boundary(lambda: comparison_splits.describe_data(variants))
    with_error_boundary(lambda: comparison_verdict.summarize(variants, records=comparison.records))
    if comparison_verdict.is_done(comparison.records):
        with_error_boundary(lambda: comparison_splits.compare_with_baselines(variants))
    with_error_boundary(lambda: comparison_costs.table(variants))
    with_error_boundary(lambda: comparison_splits.show(variants))
    with_error_boundary(lambda: comparison_classes.show(project, variants))


def _choose(project: "Project", row: DeltaGenerator) -> Comparison | None:
    by_id = lessons.list_comparisons(project)
    records = {record.run_id: record for record in list_records(project.slug)}
    if not by_id and len(records) < 2:
        st.info(
            "Nothing to compare yet. Open **Train**, then **Compare models or settings**. "
            "A comparison trains each variant with several seeds.",
            icon=":material/compare_arrows:",
        )
        return None
    names = {key: _title(comparison) for key, comparison in by_id.items()} | {CUSTOM: "Choose runs"}
    requested = st.query_params.get(ADDRESS, "")
    if requested and requested not in names:
        st.warning(
            "The comparison in this URL does not exist. Its runs may have been deleted.",
            icon=":material/link_off:",
        )
    key = row.selectbox(
        "Comparison",
        list(names),
        index=list(names).index(requested) if requested in names else 0,
        key=f"comparison-{project.slug}-{requested}-{len(names)}",
        format_func=names.__getitem__,
        label_visibility="collapsed",
    )
    if key != (requested if requested in names else next(iter(names))):
        st.query_params[ADDRESS] = key
    if key != CUSTOM:
        return by_id[key]
    in_url = [run_id for run_id in st.query_params.get(COMPARED, "").split(",") if run_id in records]
    run_ids = st.multiselect(
        "Runs",
        list(records),
        default=in_url or ([] if by_id else [run_id for run_id, record in records.items() if record.is_reference]),
        key=f"compared-runs-{project.slug}",
        max_selections=30,
        placeholder="Two or more runs",
        format_func=lambda run_id: label(records[run_id]),
    )
    if run_ids and ",".join(run_ids) != st.query_params.get(COMPARED, ""):
        st.query_params.update({ADDRESS: CUSTOM, COMPARED: ",".join(run_ids)})
    if len(run_ids) < 2:
        st.caption("Runs that differ only in their seed form one variant.")
        return None
    link_to_runs(run_ids, label="Paired tests, settings and scatter of these runs")
    return comparisons.from_runs(run_ids)


def with_model_titles(project: "Project", comparison: Comparison) -> Comparison:
    """Return the comparison with model titles in place of model names."""
    variants = {}
    for variant, records in comparison.variants.items():
        model = records[0].model
        plain = model in project.models and (variant == model or variant.startswith(f"{model} ("))
        variants[variant.replace(model, project.models[model].title, 1) if plain else variant] = records
    return replace(comparison, variants=variants)


def _title(comparison: Comparison) -> str:
    if comparison.records[0].is_reference:
        return f"★ {comparison.title}"
    return f"{comparison.title} · {format_age(comparison.created)}"


def _state(comparison: Comparison) -> None:
    if not comparison.active:
        failed = [record for record in comparison.records if record.state not in ("finished", "stopped")]
        if failed:
            reasons = "; ".join(sorted({f"{record.state}: {record.reason}" for record in failed if record.reason}))
            st.warning(
                f"{len(failed)} of {len(comparison.records)} runs did not finish. {reasons}", icon=":material/error:"
            )
        return
    done = len(comparison.records) - len(comparison.active)
    with st.container(horizontal=True, vertical_alignment="center"):
        is_stopping = all(record.command in ("stop", "conclude") for record in comparison.active)
        text = f"{done} of {len(comparison.records)} runs done{'; stopping' if is_stopping else ''}"
        st.progress(done / len(comparison.records), text=text)
        st.button(
            "Stop all",
            icon=":material/stop:",
            key=f"stop-{comparison.comparison_id}",
            disabled=is_stopping,
            on_click=comparisons.stop,
            args=(comparison,),
        )


def _curves(project: "Project", comparison: Comparison, active: int) -> None:
    if comparison.comparison_id and not comparison.records[0].is_reference:
        try:
            comparison = comparisons.open_comparison(comparison.comparison_id)
        except RunError:
            st.rerun()
    if len(comparison.active) != active:
        st.rerun()
    with_error_boundary(lambda: comparison_curves.show(project, with_model_titles(project, comparison)))
