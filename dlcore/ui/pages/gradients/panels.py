"""Results of the gradients page: diagnosis, heat maps and profiles of the gradient, remedies, accuracies."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.evaluation import agreement
from dlcore.evaluation.metrics import format_percent
from dlcore.projects.vision import gradients as deep
from dlcore.runs import Record, Run
from dlcore.runs.comparisons import Comparison
from dlcore.ui.compare import comparison
from dlcore.ui.pages.gradients import flow
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.links import OPEN
from dlcore.ui.shell.run_picker import list_records, remember_run
from dlcore.ui.shell.states import short_id
from dlcore.ui.widgets import run_actions, run_cache
from dlcore.ui.widgets.learning_curves import show_learning_curves

if TYPE_CHECKING:
    from dlcore.projects.project import Project

MAX_NETWORKS = 7
DEFAULT_NETWORKS = ("vgg_deep", "resnet", "plain_norm", "residual_bare")
"""Reference runs compared with the chosen run by default."""

LESSONS = (
    ("resnet", "vgg_deep", "Where the gradient vanishes, the early layers do not learn."),
    (
        "plain_norm_shallow",
        "plain_norm",
        "A healthy gradient is not enough: with batch norm both networks have one, and the deeper one learns less.",
    ),
    ("resnet_deep", "plain_norm", "At equal depth, a skip connection around every two layers prevents this."),
    (
        "resnet_deep",
        "residual_bare",
        "Skip connections are not enough either: without normalization every sum amplifies the signal.",
    ),
)
"""Pairs of reference runs, the better one first, and the lesson of each."""


def results(project: "Project", run: Run | None) -> None:
    """Render the gradient flow of a run next to that of other networks, or a comparison of runs."""
    comparison.results(project, run, run_panel=_run_panel, more=_comparison_panel)


def _comparison_panel(comparison: Comparison) -> None:
    """Render the gradient flow of each variant: its first seed with recorded gradients."""
    networks = []
    for variant, records in comparison.variants.items():
        candidates = (flow.load_network(runs.open_run(record.run_id), variant) for record in records)
        networks += [network for network in candidates if network is not None][:1]
    if not networks:
        return
    networks = networks[:MAX_NETWORKS]
    st.subheader("Gradient flow", anchor=False)
    st.markdown("\n".join(f"- **{network.name}**: {network.diagnosis.findings[0].sentence}" for network in networks))
    flow.show_map(networks, key="compared-flow")


def _run_panel(project: "Project", run: Run | None) -> None:
    """Render the diagnosis of the run, remedies, its gradients next to those of other networks, and accuracies."""
    if run is None:
        run_cache.finished_bundle(run, to_see="its gradient flow")
        return
    network = flow.load_network(run, _name(project, run.record))
    if network is None:
        if run.record.state in runs.ACTIVE:
            st.info("No gradients recorded yet: wait a few steps.", icon=":material/hourglass_top:")
        else:
            run_cache.finished_bundle(run, to_see="its gradient flow")
        return
    verdict, chart, below = st.container(), st.container(), st.container()
    with below:
        networks = [network, *_other_networks(project, run)]
    with verdict:
        flow.show_verdict(network)
    with chart:
        flow.show_norms(networks, key="flow")
    flow.show_diagnosis(network)
    _remedies(project, run, network)
    flow.show_map(networks, key="flow", has_norms=False)
    _accuracies(project, run, networks)
    if run.bundle is not None:
        show_learning_curves(
            run.bundle,
            run.record,
            loss="Cross-entropy loss (log scale).",
            accuracy="Share of correct predictions; random guessing: 10 %.",
        )


def _name(project: "Project", record: Record) -> str:
    """Return the model title of a reference run, or the settings of a custom run (a fork's title may be outdated)."""
    if record.is_reference and record.model in project.models:
        return project.models[record.model].title
    return f"{_describe_run(record.run_id)} · {short_id(record.run_id)}"


@cache_data(max_entries=200, show_spinner=False)
def _describe_run(run_id: str) -> str:
    return deep.describe_network(runs.open_run(run_id).config)


def _other_networks(project: "Project", run: Run) -> list[flow.Network]:
    records = {
        record.run_id: record for record in list_records(project.slug) if record.run_id != run.run_id and record.step
    }
    defaults = [f"reference:{project.slug}/{name}" for name in DEFAULT_NETWORKS]
    run_ids = st.multiselect(
        "Compare with",
        list(records),
        default=[run_id for run_id in defaults if run_id in records][:3],
        key="flow-compared",
        bind="query-params",
        max_selections=MAX_NETWORKS - 1,
        placeholder="Other networks",
        format_func=lambda run_id: _name(project, records[run_id]),
    )
    networks = [flow.load_network(runs.open_run(run_id), _name(project, records[run_id])) for run_id in run_ids]
    return [network for network in networks if network is not None]


def _remedies(project: "Project", run: Run, network: flow.Network) -> None:
    """Render a button for each remedy: it forks the run with that one change and starts the fork."""
    st.markdown("**Remedies**: change one setting and train again")
    remedies = deep.list_remedies(run.config, network.diagnosis.kind)
    with st.container(horizontal=True, gap="small"):
        for remedy in remedies:
            st.button(
                remedy.name,
                key=f"remedy-{remedy.name}-{run.run_id}",
                help=f"{remedy.why} Starts a fork of this run.",
                icon=":material/healing:" if remedy.suits else ":material/call_split:",
                type="primary" if remedy.suits and remedy is remedies[0] else "secondary",
                on_click=_fork,
                args=(project.slug, run, remedy),
            )
    suited = ", ".join(remedy.name for remedy in remedies if remedy.suits)
    if suited:
        st.caption(f"Recommended for this diagnosis: {suited}. {remedies[0].why}")


def _fork(slug: str, run: Run, remedy: deep.Remedy) -> None:
    """Fork and start the run in a callback, and switch to its Train panel."""
    forked = run_actions.launch_run(lambda: runs.fork(run.run_id, remedy.settings))
    if forked is not None:
        remember_run(slug, forked)
        st.query_params[OPEN] = "train"
        st.toast(f"{remedy.name}: started. Training continues if you close this tab.", icon=":material/play_arrow:")


def _accuracies(project: "Project", run: Run, networks: list[flow.Network]) -> None:
    """Render gradient ratio and accuracy of each network."""
    st.subheader("Gradient flow and accuracy", anchor=False)
    st.dataframe(pd.DataFrame([_row(network) for network in networks]), hide_index=True, width="stretch")
    st.caption(
        "First quarter / last quarter: gradient of the first quarter of the layers over that of the last, median of "
        "the recorded steps. Test accuracy with 95 % confidence interval."
    )
    if not run.is_reference and run.bundle is not None:
        for network in networks[1:]:
            st.markdown(f"- {_compared(run, 'this run', runs.open_run(network.run_id), network.name)}")
    _reference_pairs(project)


def _row(network: flow.Network) -> dict[str, str]:
    run = runs.open_run(network.run_id)
    accuracy = run.history().get("train_accuracy")
    metrics = run_cache.evaluation(run.bundle).metrics if run.bundle else {}
    is_tested = "accuracy" in metrics
    interval = (
        f" ({format_percent(metrics['accuracy_low'])} to {format_percent(metrics['accuracy_high'])})"
        if is_tested
        else ""
    )
    return {
        "Network": network.name,
        "Layers": str(network.values["norm"].shape[1] or "–"),
        "Gradient": network.diagnosis.kind,
        "First quarter / last quarter": flow.ratio(network),
        "Training accuracy": f"{format_percent(accuracy.values[-1])}"
        if accuracy is not None and len(accuracy.values)
        else "–",
        "Test accuracy": f"{format_percent(metrics['accuracy'])}{interval}" if is_tested else "not evaluated",
    }


def _reference_pairs(project: "Project") -> None:
    """Render the pairwise comparisons of reference runs and their lessons."""
    reference_runs = {run.run_id.rpartition("/")[2]: run for run in runs.references(project.slug)}
    pairs = [(first, second, lesson) for first, second, lesson in LESSONS if {first, second} <= set(reference_runs)]
    if not pairs:
        return
    with st.expander("Reference runs compared", icon=":material/compare_arrows:"):
        for first, second, lesson in pairs:
            names = [_name(project, reference_runs[name].record) for name in (first, second)]
            st.markdown(f"- {lesson} {_compared(reference_runs[first], names[0], reference_runs[second], names[1])}")


def _compared(run: Run, name: str, other: Run, other_name: str) -> str:
    try:
        compared = agreement.agreement_of_predictions(
            run_cache.predictions(run.finished_bundle), run_cache.predictions(other.finished_bundle)
        )
    except WorkbenchError as error:
        return f"{name} and {other_name} cannot be compared: {error}"
    sentence = compared.sentence(name, other_name)
    return sentence[:1].upper() + sentence[1:]
