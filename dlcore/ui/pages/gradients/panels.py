"""Results of the page on gradients: what became of the gradient, in words and pictures, and the cures to try."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from dlcore import runs
from dlcore.core.errors import WorkbenchError
from dlcore.evaluation import agreement
from dlcore.projects.vision import gradients as deep
from dlcore.runs import Record, Run
from dlcore.runs.comparisons import Comparison
from dlcore.ui.compare import comparison
from dlcore.ui.pages.gradients import flow
from dlcore.ui.shell.links import OPEN
from dlcore.ui.shell.run_picker import list_records, remember_run
from dlcore.ui.shell.states import short_id
from dlcore.ui.widgets import run_actions, run_cache
from dlcore.ui.widgets.learning_curves import show_learning_curves

if TYPE_CHECKING:
    from dlcore.projects.project import Project

MOST = 7
TALE = ("vgg_deep", "resnet", "plain_norm", "residual_bare")
"""Networks that are shown beside the chosen one at first: the classic picture, and the two that it does not explain."""

LESSONS = (
    ("resnet", "vgg_deep", "The classic picture: where the gradient dies on its way back, nothing is learnt."),
    (
        "plain_norm_shallow",
        "plain_norm",
        "A gradient that arrives is not all: with batch norm both get one, and the deeper learns worse.",
    ),
    ("resnet_deep", "plain_norm", "At the same depth a way around every two layers repairs that."),
    (
        "resnet_deep",
        "residual_bare",
        "A way around is not all either: without normalization each sum makes the signal larger.",
    ),
)
"""Pairs of reference runs, the better one first, and what they teach; a test holds the runs to it."""


def results(project: "Project", run: Run | None) -> None:
    """One run's gradient beside those of other networks, or a comparison of several, with its gradients too."""
    comparison.results(project, run, run_panel=_of_one, more=_of_several)


def _of_several(comparison: Comparison) -> None:
    """The gradient in each network of a comparison, its first seed that has recorded any."""
    found = []
    for arm, records in comparison.variants.items():
        networks = (flow.run_network(runs.open_run(record.run_id), arm) for record in records)
        found += [network for network in networks if network is not None][:1]
    if not found:
        return
    st.subheader("What becomes of the gradient", anchor=False)
    st.markdown("\n".join(f"- **{item.name}**: {item.verdict.findings[0].sentence}" for item in found[:MOST]))
    flow.show_map(found[:MOST], key="compared-flow")


def _of_one(project: "Project", run: Run | None) -> None:
    """The verdict on the chosen run, cures, its gradients beside those of other networks, and who learns better."""
    if run is None:
        run_cache.finished_bundle(run, to_see="what becomes of its gradient")
        return
    network = flow.run_network(run, _name(project, run.record))
    if network is None:
        if run.record.state in runs.ACTIVE:
            st.info("This run has recorded no gradients so far: give it a few steps.", icon=":material/hourglass_top:")
        else:
            run_cache.finished_bundle(run, to_see="what becomes of its gradient")
        return
    flow.show_verdict(network)
    _cures(project, run, network)
    networks = [network, *_others(project, run)]
    flow.show_map(networks, key="flow", reported=flow.REPORTED)
    _who_learns(project, run, networks)
    if run.bundle is not None:
        show_learning_curves(
            run.bundle,
            run.record,
            loss="Mean surprise at the true class, on a logarithmic axis.",
            accuracy="Share of right answers; with ten classes guessing gets 0.1.",
        )


def _name(project: "Project", record: Record) -> str:
    """A reference run by its network's title, one's own by its settings: a fork keeps the title, not what it says."""
    if record.is_reference and record.model in project.models:
        return project.models[record.model].title
    return f"{_in_words(record.run_id)} · {short_id(record.run_id)}"


@st.cache_data(max_entries=200, show_spinner=False)
def _in_words(run_id: str) -> str:
    return deep.describe_network(runs.open_run(run_id).config)


def _others(project: "Project", run: Run) -> list[flow.Network]:
    records = {
        record.run_id: record for record in list_records(project.slug) if record.run_id != run.run_id and record.step
    }
    tale = [f"reference:{project.slug}/{name}" for name in TALE]
    choices = st.multiselect(
        "Beside it",
        list(records),
        default=[name for name in tale if name in records][:3],
        key="flow-beside",
        max_selections=MOST - 1,
        placeholder="Other networks",
        format_func=lambda run_id: _name(project, records[run_id]),
    )
    networks = [flow.run_network(runs.open_run(run_id), _name(project, records[run_id])) for run_id in choices]
    return [network for network in networks if network is not None]


def _cures(project: "Project", run: Run, network: flow.Network) -> None:
    """A button for each setting that may be changed: it forks the run with that one change and starts it."""
    st.markdown("**Change one thing and train it again**")
    remedies = deep.list_remedies(run.config, network.verdict.kind)
    with st.container(horizontal=True, gap="small"):
        for cure in remedies:
            st.button(
                cure.name,
                key=f"cure-{cure.name}-{run.run_id}",
                help=f"{cure.why} Starts a fork of this run.",
                icon=":material/healing:" if cure.suits else ":material/call_split:",
                type="primary" if cure.suits and cure is remedies[0] else "secondary",
                on_click=_fork,
                args=(project.slug, run, cure),
            )
    if remedies[0].suits:
        st.caption(
            f"Made for what was found: {', '.join(cure.name for cure in remedies if cure.suits)}. {remedies[0].why}"
        )


def _fork(slug: str, run: Run, cure: deep.Remedy) -> None:
    """Before the page is drawn again: fork, start, and turn to the panel on which the fork is watched."""
    forked = run_actions.launch_run(lambda: runs.fork(run.run_id, cure.settings))
    if forked is not None:
        remember_run(slug, forked)
        st.query_params[OPEN] = "train"
        st.toast(f"{cure.name}: started. You may close this tab, the run goes on.", icon=":material/play_arrow:")


def _who_learns(project: "Project", run: Run, networks: list[flow.Network]) -> None:
    """Gradients and accuracy side by side: the one does not decide the other."""
    st.subheader("Does a good gradient mean good learning?", anchor=False)
    st.dataframe(pd.DataFrame([_row(network) for network in networks]), hide_index=True, width="stretch")
    st.caption(
        "First quarter / last quarter: the gradient of the layers nearest the input over that of those nearest the "
        "output, in the middle of all probed steps. Accuracy on test, with its 95 % interval."
    )
    if not run.is_reference and run.bundle is not None:
        for network in networks[1:]:
            st.markdown(f"- {_compared(run, 'this run', runs.open_run(network.run_id), network.name)}")
    _tale(project)


def _row(network: flow.Network) -> dict[str, str]:
    run = runs.open_run(network.run_id)
    learnt = run.history().get("train_accuracy")
    metrics = run_cache.evaluation(run.bundle).metrics if run.bundle else {}
    known = "accuracy" in metrics
    spread = f" ({metrics['accuracy_low']:.1%} to {metrics['accuracy_high']:.1%})" if known else ""
    return {
        "Network": network.name,
        "Layers": str(network.values["norm"].shape[1] or "–"),
        "Gradient": network.verdict.kind,
        "First quarter / last quarter": flow.ratio(network),
        "Accuracy in training": f"{learnt.values[-1]:.1%}" if learnt is not None and len(learnt.values) else "–",
        "Accuracy": f"{metrics['accuracy']:.1%}{spread}" if known else "not tested yet",
    }


def _tale(project: "Project") -> None:
    """What the runs that came with the page say when they are compared in pairs."""
    known = {run.run_id.rpartition("/")[2]: run for run in runs.references(project.slug)}
    pairs = [(first, second, lesson) for first, second, lesson in LESSONS if {first, second} <= set(known)]
    if pairs:
        st.markdown("**The reference runs in pairs**")
    for first, second, lesson in pairs:
        names = [_name(project, known[name].record) for name in (first, second)]
        st.markdown(f"- {lesson} {_compared(known[first], names[0], known[second], names[1])}")


def _compared(run: Run, name: str, other: Run, other_name: str) -> str:
    try:
        agreement_of_predictions = agreement.agreement_of_predictions(
            run_cache.predictions(run.left), run_cache.predictions(other.left)
        )
    except WorkbenchError as error:
        return f"{name} and {other_name} cannot be compared: {error}"
    sentence = agreement_of_predictions.sentence(name, other_name)
    return sentence[:1].upper() + sentence[1:]
