"""Gradient flow of one or several networks: diagnosis, heat map, profile; for runs and short runs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from dlcore.evaluation import gradient_flow
from dlcore.evaluation.gradient_flow import GradientDiagnosis, Kind
from dlcore.plots import gradients as plots
from dlcore.plots import svg
from dlcore.plots.gradients import ColorScale, LayersByStep
from dlcore.plots.palette import ORDER
from dlcore.projects.vision import gradients as deep
from dlcore.runs import GradientNorms, Run
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure

SCALES: dict[str, ColorScale] = {
    "norm": ColorScale("gradient norm"),
    "update_ratio": ColorScale("update / weight"),
    "activation_mean": ColorScale("mean activation", log=False),
    "activation_variance": ColorScale("activation variance"),
    "dead_units": ColorScale("share of dead units", log=False, low=0.0, high=1.0),
}
NAMES = {
    "norm": "Gradient norm",
    "update_ratio": "Update / weight",
    "activation_mean": "Activation mean",
    "activation_variance": "Activation variance",
    "dead_units": "Dead units",
}
DESCRIPTIONS = {
    "norm": "Gradient norm per layer. Bright at the bottom and dark on top: vanishing gradient.",
    "update_ratio": "Norm of an update over norm of the weights. About 1/1000 is typical; much less: the layer "
    "barely learns; much more: training is unstable.",
    "activation_mean": "Mean output of each layer after its activation. Far from 0, it dominates the input of the next "
    "layer.",
    "activation_variance": "Output variance of a layer over the batch. Near 0: all images have the same output. "
    "Growing with depth: exploding activations.",
    "dead_units": "Share of ReLU units that are 0 for every image of the batch, so that no gradient passes. Empty "
    "without ReLU.",
}
FLOW_STYLE: dict[Kind, tuple[str, str]] = {
    "not finite": ("red", ":material/error:"),
    "exploding": ("red", ":material/trending_up:"),
    "vanishing": ("orange", ":material/trending_down:"),
    "dying units": ("orange", ":material/power_off:"),
    "healthy": ("green", ":material/check_circle:"),
}
SMALLEST_RATIO = 1e-30
"""Smaller ratios are displayed as 0: float32 cannot represent such gradients."""
MAX_HIGH_BANDS, MAX_PROFILES = 4, 8
"""Maximum number of networks with high bands, and with overlaid profiles."""
REPORTED = {layer / deep.REPORTED_DEPTH: norm for layer, norm in deep.REPORTED.items()}


@dataclass(frozen=True)
class Network:
    """Recorded gradient flow of a network: `values` (n, L) of its layers with weights by measure, including `norm`."""

    run_id: str
    name: str
    steps: np.ndarray
    values: Mapping[str, np.ndarray]
    diagnosis: GradientDiagnosis


def load_network(run: Run, name: str) -> Network | None:
    """Return the network of a run; None without recorded gradients, unless training diverged."""
    norms, record = run.gradients(), run.record
    match = re.search(r"step (\d+)", record.reason) if record.reason.startswith("not finite") else None
    broke_at = int(match[1]) if match else 0
    if norms is None or not len(norms.steps):
        if not broke_at:
            return None
        norms = GradientNorms((), np.empty(0, dtype=np.int64), np.empty((0, 0)), {})
    return build_network(norms, name, run_id=run.run_id, broke_at=broke_at)


def build_network(
    norms: GradientNorms, name: str, *, run_id: str = "", broke_at: int = 0, layers: Sequence[int] | None = None
) -> Network:
    """Return the recorded layers with weights, or `layers`, and their diagnosis; `broke_at`: see
    `diagnose_gradients`."""
    layers = deep.weight_layers(norms.layers) if layers is None else layers
    values = {"norm": norms.norms[:, layers], **{key: value[:, layers] for key, value in norms.measures.items()}}
    names = [f"layer {i + 1}" for i in range(len(layers))]
    diagnosis = gradient_flow.diagnose_gradients(
        norms.steps, values["norm"], names=names, dead=values.get("dead_units"), broke_at=broke_at
    )
    return Network(run_id, name, norms.steps, values, diagnosis)


def rename(network: Network, name: str) -> Network:
    """Return the network with another name."""
    return replace(network, name=name)


def ratio(network: Network) -> str:
    """Format the gradient norm of the first quarter of the layers over that of the last."""
    value = network.diagnosis.ratio
    return "–" if np.isnan(value) else gradient_flow.format_number(0.0 if value < SMALLEST_RATIO else value)


def show_verdict(network: Network) -> None:
    """Render the most severe finding in one line."""
    finding = network.diagnosis.findings[0]
    color, icon = FLOW_STYLE[finding.kind]
    sentence = finding.sentence.partition(". ")[0].removesuffix(".")
    st.markdown(f":{color}-badge[{icon} {finding.kind.capitalize()}] {sentence}.")


def show_norms(networks: Sequence[Network], *, key: str) -> None:
    """Render the gradient norm by layer of all networks, with a slider for the step: the page's main picture."""
    layers = [_layers_by_step(network, "norm") for network in networks if len(network.steps)][:MAX_PROFILES]
    if not layers:
        return
    alt = "Gradient norm by layer, networks overlaid, at the step of the slider"
    with main_picture(first_frame(layers), alt=alt, height=plots.PROFILE_HEIGHT):
        show_figure(plots.profile(layers, SCALES["norm"], reported=REPORTED), key=f"{key}-profile", alt=alt)
    st.caption("Crosses: reported values for VGG-deep (layers 3, 15, 27, 38), not reproduced here.")


def first_frame(layers: Sequence[LayersByStep]) -> str:
    """Return the norms by layer at the last recorded step as SVG."""
    low, high = plots.log_range([layer.values for layer in layers], REPORTED)
    lines = [
        svg.Line(layer.values[-1], np.linspace(0, 1, layer.values.shape[1]), ORDER[i % len(ORDER)], layer.name)
        for i, layer in enumerate(layers)
    ]
    axes = svg.Axes(10.0**low, 10.0**high, log=True, x_ticks=[(0.0, "input"), (0.5, "depth"), (1.0, "output")])
    return svg.line_chart(lines, axes, height=plots.PROFILE_HEIGHT)


def show_diagnosis(network: Network) -> None:
    """Render the diagnosis with its evidence and rules."""
    first, last = network.diagnosis.steps
    with st.expander("Diagnosis and rules", icon=":material/rule:"):
        for finding in network.diagnosis.findings:
            color, icon = FLOW_STYLE[finding.kind]
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.badge(finding.kind.capitalize(), icon=icon, color=color)  # type: ignore[arg-type]
                st.markdown(finding.sentence)
        st.markdown("\n".join(f"- **{kind.capitalize()}**: {rule}" for kind, rule in gradient_flow.RULES.items()))
        if len(network.steps):
            st.caption(
                f"Based on {len(network.steps)} recorded steps from {first} to {last}, layers with weights only."
            )


def show_map(
    networks: Sequence[Network],
    *,
    key: str,
    until: int | None = None,
    has_norms: bool = True,
) -> None:
    """Render the heat map of all networks on one scale for the chosen measure, and the profile by layer.

    until: planned number of steps. With many networks, bands are low and there is no profile. `has_norms`: also the
    profile of the gradient norm.
    """
    networks = [network for network in networks if len(network.steps)]
    if not networks:
        return
    measures = [name for name in SCALES if all(name in network.values for network in networks)]
    measure = choose(
        "Measure", measures, key=f"{key}-measure", default="norm", format_func=NAMES.__getitem__, show_label=True
    )
    st.caption(DESCRIPTIONS[measure])
    layers = [_layers_by_step(network, measure) for network in networks]
    figure = plots.flow_map(layers, SCALES[measure], until=until, low=len(layers) > MAX_HIGH_BANDS)
    show_figure(figure, key=f"{key}-map", alt=_alt_text(networks, measure))
    if any(band.marked for band in layers):
        st.caption("Framed: layers of the diagnosis.")
    if len(layers) > MAX_PROFILES or (measure == "norm" and not has_norms):
        return
    st.markdown(f"**{NAMES[measure]} by layer**")
    show_figure(
        plots.profile(layers, SCALES[measure]),
        key=f"{key}-profile-{measure}",
        alt=f"{NAMES[measure]} by layer, networks overlaid, at the step of the slider",
    )


def _layers_by_step(network: Network, measure: str) -> LayersByStep:
    of_units = measure == "dead_units"
    kinds = {"dying units"} if of_units else {"vanishing", "exploding", "not finite"}
    marked = [finding.layers for finding in network.diagnosis.findings if finding.kind in kinds]
    marked = [layers for layers in marked if layers]
    frame = marked[0] if marked and measure in ("norm", "dead_units") else ()
    values = network.values[measure]
    is_recorded = np.isfinite(values).any(axis=1)
    rows = is_recorded if is_recorded.any() else slice(None)  # tiny networks record some measures less often
    return LayersByStep(network.name, network.steps[rows], values[rows], frame)


def _alt_text(networks: Sequence[Network], measure: str) -> str:
    parts = [f"{network.name}: {network.diagnosis.kind}" for network in networks]
    return f"{NAMES[measure]} of every layer by step as a heat map. {'; '.join(parts)}"
