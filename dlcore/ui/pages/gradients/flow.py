"""What became of the gradient in one or several networks: verdict, heat map, profile; for runs and for trials alike."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from dlcore.evaluation import gradient_flow
from dlcore.evaluation.gradient_flow import GradientDiagnosis, Kind
from dlcore.plots import gradients as plots
from dlcore.plots.gradients import ColorScale, LayersByStep
from dlcore.projects.vision import gradients as deep
from dlcore.runs import GradientNorms, Run
from dlcore.ui.widgets.figure import show_figure

SCALES: dict[str, ColorScale] = {
    "norm": ColorScale("norm of the gradient"),
    "update_ratio": ColorScale("update over weight"),
    "activation_mean": ColorScale("mean activation", log=False),
    "activation_variance": ColorScale("variance of activations"),
    "dead_units": ColorScale("share of dead units", log=False, low=0.0, high=1.0),
}
NAMES = {
    "norm": "Gradient",
    "update_ratio": "Update / weight",
    "activation_mean": "Activation mean",
    "activation_variance": "Activation variance",
    "dead_units": "Dead units",
}
WORDS = {
    "norm": "How strongly each layer is told to change. Bright at the bottom and dark on top: the signal dies on its "
    "way back from the output.",
    "update_ratio": "How far one step moves a layer, as a share of its length. About 1/1000 is usual; far less and the "
    "layer stands still, far more and it is thrown about.",
    "activation_mean": "Mean of what each layer puts out, after its activation. Far from 0 the next layer sees little "
    "else.",
    "activation_variance": "How much what a layer puts out differs over the batch. Near nothing: every picture looks "
    "alike from there on. Growing from layer to layer: the signal swells.",
    "dead_units": "Share of a layer's ReLU units that give 0 for every picture of the batch: no gradient passes them. "
    "Empty where there is no ReLU.",
}
FLOW_STYLE: dict[Kind, tuple[str, str]] = {
    "not finite": ("red", ":material/error:"),
    "exploding": ("red", ":material/trending_up:"),
    "vanishing": ("orange", ":material/trending_down:"),
    "dying units": ("orange", ":material/power_off:"),
    "healthy": ("green", ":material/check_circle:"),
}
NOTHING = 1e-30
"""A share below this is none: single precision knows no smaller gradients, and zeros stand for them."""
HIGH, OVERLAID = 4, 8
"""Of so many networks bands are high, and so many profiles can be told apart."""
REPORTED = {layer / deep.REPORTED_DEPTH: norm for layer, norm in deep.REPORTED.items()}


@dataclass(frozen=True)
class Network:
    """One network as it is shown: `values` (n, L) of its layers with weights by measure, `norm` among them."""

    run_id: str
    name: str
    steps: np.ndarray
    values: Mapping[str, np.ndarray]
    verdict: GradientDiagnosis


def run_network(run: Run, name: str) -> Network | None:
    """The network of a run; None where nothing was recorded and nothing broke either."""
    found, record = run.gradients(), run.record
    told = re.search(r"step (\d+)", record.reason) if record.reason.startswith("not finite") else None
    broke_at = int(told[1]) if told else 0
    if found is None or not len(found.steps):
        if not broke_at:
            return None
        found = GradientNorms((), np.empty(0, dtype=np.int64), np.empty((0, 0)), {})
    return network(found, name, run_id=run.run_id, broke_at=broke_at)


def network(found: GradientNorms, name: str, *, run_id: str = "", broke_at: int = 0) -> Network:
    """What was recorded, thinned to the layers with weights, and judged; `broke_at` as for
    `gradient_flow.diagnose_gradients`."""
    places = deep.weight_layers(found.layers)
    values = {"norm": found.norms[:, places], **{key: value[:, places] for key, value in found.measures.items()}}
    names = [f"layer {i + 1}" for i in range(len(places))]
    verdict = gradient_flow.diagnose_gradients(
        found.steps, values["norm"], names=names, dead=values.get("dead_units"), broke_at=broke_at
    )
    return Network(run_id, name, found.steps, values, verdict)


def rename(shown: Network, name: str) -> Network:
    """The same under another name."""
    return replace(shown, name=name)


def ratio(shown: Network) -> str:
    """The first quarter's gradient over the last quarter's, in words."""
    value = shown.verdict.ratio
    return "–" if np.isnan(value) else gradient_flow.format_number(0.0 if value < NOTHING else value)


def show_verdict(shown: Network) -> None:
    """The verdict in words with its evidence, and the rules behind it."""
    for finding in shown.verdict.findings:
        colour, icon = FLOW_STYLE[finding.kind]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(finding.kind.capitalize(), icon=icon, color=colour)  # type: ignore[arg-type]
            st.markdown(finding.sentence)
    first, last = shown.verdict.steps
    with st.expander("The rules", icon=":material/rule:"):
        st.markdown("\n".join(f"- **{kind.capitalize()}**: {rule}" for kind, rule in gradient_flow.RULES.items()))
        if len(shown.steps):
            st.caption(f"Judged on {len(shown.steps)} probed steps from {first} to {last}, layers with weights alone.")


def show_map(
    networks: Sequence[Network],
    *,
    key: str,
    reported: Mapping[float, float] | None = None,
    until: int | None = None,
) -> None:
    """The heat map of all networks under one scale, for the measure that is chosen, and the profile by layer.

    until: the step to which all were meant to get. Of many networks bands are low, and there is no profile.
    """
    networks = [shown for shown in networks if len(shown.steps)]
    if not networks:
        return
    known = [name for name in SCALES if all(name in shown.values for shown in networks)]
    chosen = st.segmented_control(
        "What to show", known, default="norm", required=True, key=f"{key}-measure", format_func=NAMES.__getitem__
    )
    measure = chosen or "norm"
    st.caption(WORDS[measure])
    drawn = [_drawn(shown, measure) for shown in networks]
    figure = plots.flow_map(drawn, SCALES[measure], until=until, low=len(drawn) > HIGH)
    show_figure(figure, key=f"{key}-map", alt=_told(networks, measure))
    if any(layers.marked for layers in drawn):
        st.caption("Framed: the layers that the verdict speaks of.")
    if len(drawn) > OVERLAID:
        return
    st.markdown(f"**{NAMES[measure]} by layer**: move the slider to see it step by step")
    show_figure(
        plots.profile(drawn, SCALES[measure], reported=reported if measure == "norm" else None),
        key=f"{key}-profile",
        alt=f"{NAMES[measure]} by layer, networks overlaid, at a step of one's choice",
    )
    if reported and measure == "norm":
        st.caption("Crosses: what others reported for their VGG-deep (layers 3, 15, 27 and 38); not measured here.")


def _drawn(shown: Network, measure: str) -> LayersByStep:
    of_units = measure == "dead_units"
    kinds = {"dying units"} if of_units else {"vanishing", "exploding", "not finite"}
    marked = [finding.layers for finding in shown.verdict.findings if finding.kind in kinds]
    marked = [layers for layers in marked if layers]
    frame = marked[0] if marked and measure in ("norm", "dead_units") else ()
    values = shown.values[measure]
    looked = np.isfinite(values).any(axis=1)
    rows = looked if looked.any() else slice(None)  # a tiny network is not looked at in full at every step
    return LayersByStep(shown.name, shown.steps[rows], values[rows], frame)


def _told(networks: Sequence[Network], measure: str) -> str:
    parts = [f"{shown.name}: {shown.verdict.kind}" for shown in networks]
    return f"{NAMES[measure]} of every layer by step as a heat map. {'; '.join(parts)}"
