"""View Behavior of Results: failure rates of text models by capability, their worst failures, added templates."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.core.markdown import as_text, error_line
from dlcore.data.text import behavior as templates
from dlcore.evaluation.behavior import TITLES, FailureRate
from dlcore.evaluation.metrics import format_metric, format_percent
from dlcore.plots.behavior import failure_rates
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run, behavior
from dlcore.runs.behavior import Report
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.error_boundary import fragment
from dlcore.ui.shell.states import short_id
from dlcore.ui.shell.titles import model_title
from dlcore.ui.widgets import run_cache
from dlcore.ui.widgets.figure import show_figure

HELP = (
    "Cases come from templates, not from the test set (CheckList, Ribeiro et al. 2020). Minimum functionality: the "
    "label is known. Invariance: the label must not change. Directional expectation: the probability must not fall by "
    "more than 10 points. Intervals hold for cases of these templates."
)
EXAMPLE = """labels = ["negative", "positive"]

[words]
dish = "soup, bread, fish"

[[tests]]
capability = "Food"
name = "negated praise"
kind = "minimum"
label = "negative"
test = ["The {dish} was not good.", "I did not like the {dish}."]
"""


def show(project: Project, run: Run | None) -> None:
    """Draw failure rates of the run and of other runs, the worst failures, and the form for templates."""
    bundle = run_cache.finished_bundle(run, to_see="its behavioral tests")
    if bundle is None or run is None:
        return
    suites = behavior.suites_of(bundle.labels)
    if not suites:
        st.info(
            f"No behavioral tests suit the classes {as_text(', '.join(bundle.labels[:6]))}. Add templates below.",
            icon=":material/rule:",
        )
    else:
        _show_rates(project, run, bundle)
    _add_templates(project, bundle)


@fragment
def _show_rates(project: Project, run: Run, bundle: Bundle) -> None:
    stored = behavior.stored_rates()
    names = {ref.run_id: _name(project, ref) for ref in runs.references(project.slug) if ref.run_id in stored}
    key = f"behavior-{project.slug}-{run.run_id}"
    report = _report(bundle) if st.session_state.get(f"{key}-tested") else None
    if report is None and run.run_id not in stored:
        _offer(key, "Run the behavioral tests", "A minute for models that read with BERT, seconds for other models.")
        return
    rates = report.rates if report is not None else stored[run.run_id]
    compared = {f"{_name(project, run)} ({short_id(run.run_id)})": rates}
    place, chart = st.container(), st.container()
    other_ids = [run_id for run_id in names if run_id != run.run_id]
    selected = st.multiselect(
        "Compare with", other_ids, format_func=names.__getitem__, max_selections=4, key=f"{key}-compared", help=HELP
    )
    compared |= {f"{names[run_id]} ({short_id(run_id)})": stored[run_id] for run_id in selected}
    place.markdown(describe(rates, accuracy=run_cache.evaluation(bundle).metrics.get("accuracy")))
    with chart:
        show_figure(failure_rates(compared), key="behavior", alt=f"Failure rates by capability. {describe(rates)}")
    with st.expander("Table", icon=":material/table_rows:"):
        st.dataframe(pd.DataFrame(tabulate(compared)), hide_index=True, alt="Failure rates by capability and model")
    if report is None:
        _offer(key, "List the worst failures", "Runs the tests again, with added templates.")
    else:
        _show_failures(report)


def _name(project: Project, run: Run) -> str:
    return model_title(project.slug, run.record.model)


def _offer(key: str, label: str, note: str) -> None:
    st.button(
        label,
        icon=":material/rule:",
        key=f"{key}-run",
        help=note,
        on_click=st.session_state.__setitem__,
        args=(f"{key}-tested", True),
    )


def _report(bundle: Bundle) -> Report:
    suites = tuple(suite.checksum for suite in behavior.suites_of(bundle.labels))
    return _cached_report(run_cache.bundle_key(bundle), suites, _bundle=bundle)


@cache_data(max_entries=12, show_spinner="Running the behavioral tests")
def _cached_report(key: str, suites: tuple[str, ...], _bundle: Bundle) -> Report:
    return behavior.check(_bundle)


def describe(rates: Sequence[FailureRate], *, accuracy: float | None = None) -> str:
    """Name the capability with the highest failure rate, beside the accuracy."""
    worst = max(rates, key=lambda rate: rate.rate)
    low, high = (100 * end for end in worst.interval)
    text = (
        f"**{as_text(worst.capability)}** fails most: {format_percent(worst.rate)} [{low:.1f}, {high:.1f}] of "
        f"{worst.n:,} cases."
    )
    return text if accuracy is None else f"{text} Test accuracy: {format_metric('accuracy', accuracy)}."


def tabulate(rates: Mapping[str, Sequence[FailureRate]]) -> list[dict[str, str]]:
    """Return a row per capability with the failure rate and interval of each model."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for model, values in rates.items():
        for rate in values:
            row = rows.setdefault(
                (rate.capability, rate.kind), {"Capability": rate.capability, "Kind": TITLES[rate.kind]}
            )
            low, high = (100 * end for end in rate.interval)
            row |= {"Cases": f"{rate.n:,}", model: f"{format_percent(rate.rate)} [{low:.1f}, {high:.1f}]"}
    return list(rows.values())


def _show_failures(report: Report) -> None:
    st.subheader("Worst failures", anchor=False)
    if not report.worst:
        st.success("No case failed.", icon=":material/check_circle:")
        return
    capabilities = list(dict.fromkeys(failure.capability for failure in report.worst))
    capability = st.selectbox("Capability", capabilities, key="behavior-capability")
    for failure in report.worst:
        if failure.capability == capability:
            expected = f"expected {failure.expected}" if failure.kind == "minimum" else TITLES[failure.kind]
            with st.container(border=True):
                st.text(failure.text + (f"\n{failure.changed}" if failure.changed else ""))
                st.caption(as_text(f"{failure.describe()}; {expected}. {failure.test}."))


def _add_templates(project: Project, bundle: Bundle) -> None:
    with st.expander("Add templates", icon=":material/add:"):
        st.caption("A TOML file: words for the slots, and tests for these classes. They count in every test you run.")
        if len(bundle.labels):
            st.caption(as_text(f"Classes of this run: {', '.join(bundle.labels)}."))
        with st.form(f"templates-{project.slug}", border=False):
            name = st.text_input("Name", "my_tests", max_chars=40)
            content = st.text_area("Templates", EXAMPLE, height=280)
            is_sent = st.form_submit_button("Save templates", icon=":material/save:")
        if is_sent:
            try:
                suite = templates.save_custom(content, name)
                cases = sum(len(suite.cases(test)) for test in suite.tests)
                st.success(f"Saved {cases:,} cases of {len(suite.tests)} tests.", icon=":material/check_circle:")
            except WorkbenchError as error:
                st.error(error_line(error), icon=":material/error:")
        for saved in templates.custom_suites():
            left, right = st.columns([4, 1], vertical_alignment="center")
            left.markdown(f"**{as_text(saved.name)}**: {len(saved.tests)} tests for {as_text(', '.join(saved.labels))}")
            if right.button("Delete", icon=":material/delete:", key=f"delete-templates-{saved.name}"):
                templates.delete_custom(saved.name)
                st.rerun()
