"""Step-by-step backpropagation: one example, layer by layer, forward and back, with the formula of every number."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from dlcore.data.images import images
from dlcore.evaluation.metrics import format_percent
from dlcore.plots import svg
from dlcore.projects.foundations import backprop
from dlcore.projects.foundations.backprop_walk import BackpropWalk, WalkStage, walk
from dlcore.runs import Bundle, Run
from dlcore.ui.components.mount import drawing_component, mount, pack
from dlcore.ui.modalities.image import pick_sample
from dlcore.ui.shell.address import read_text
from dlcore.ui.shell.cache import cache_resource
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose

if TYPE_CHECKING:
    from dlcore.projects.project import Project

_WALK = drawing_component("walk", styles=("shared/walk.css",))
FRAME_SIDE, FRAME_TOP = 252, 153
"""Pixels: side of the input image, and its distance from the top of the component."""
DRAWING = "drawing"
"""Query parameter with the user's drawing: `CANVAS_SIZE` x `CANVAS_SIZE` bytes in base64."""
CANVAS_SIZE = 56
"""Side length in pixels of the drawing sent by the browser."""
THEORY = r"""
**Forward**: each layer's output is the input of the next layer; the last output is the loss $L$.
**Backward**: how much does $L$ grow if an intermediate value $y$ grows a little? That is
$\partial L/\partial y$, and the chain rule propagates it from layer to layer:

$$\frac{\partial L}{\partial x_i} = \sum_j \frac{\partial L}{\partial y_j}\,\frac{\partial y_j}{\partial x_i}$$

A layer does not depend on later layers: from $\partial L/\partial y$ it computes $\partial L/\partial x$ and the
gradient of its weights. An optimizer step then moves every weight a little against its gradient.
"""
LAYERS = {
    "Dense": r"y = xW^\top + b \quad\Rightarrow\quad \frac{\partial L}{\partial W} = "
    r"\Big(\frac{\partial L}{\partial y}\Big)^{\!\top} x,\qquad \frac{\partial L}{\partial x} = "
    r"\frac{\partial L}{\partial y} W",
    "ReLU, tanh, sigmoid": r"\frac{dy}{dx} = [x>0],\qquad 1-y^2,\qquad y(1-y)",
    "Batch norm (training)": r"\frac{\partial L}{\partial x_i} = \frac{1}{s}\Big(g_i - \overline{g} - h_i\,"
    r"\overline{g h}\Big),\quad g = \gamma\,\frac{\partial L}{\partial y}",
    "Convolution": r"\frac{\partial L}{\partial x_{chw}} = \sum_{o,i,j} \frac{\partial L}{\partial y_{o,h-i,w-j}}\,"
    r"W_{ocij}",
    "Softmax with cross-entropy": r"\frac{\partial L}{\partial z_k} = p_k - [k = t]",
}
"""Layer -> formula of its backward pass."""


def explain(project: "Project", run: Run | None) -> None:
    """Draw the example selector and the step-by-step view of the example."""
    bundle = run_cache.finished_bundle(run, to_see="every number of a trained network")
    if bundle is None or run is None:
        return
    verdict, chart, pickers = st.container(), st.container(), st.container()
    with pickers:
        pixels, target = _example(project, run, bundle)
    backprop_walk = _walk(run_cache.bundle_key(bundle), pixels.tobytes(), pixels.shape, target, _bundle=bundle)
    version = f"{run_cache.bundle_key(bundle)}-{hash(pixels.tobytes())}-{target}"
    predicted = int(backprop_walk.probabilities.argmax())
    probability = format_percent(backprop_walk.probabilities[predicted])
    verdict.markdown(
        f"Predicted: **{bundle.labels[predicted]}** ({probability}), actual: **{bundle.labels[target]}**, loss "
        f"{backprop_walk.loss:.3g}."
    )
    first = svg.cells(pixels / 255.0, width=f"{FRAME_SIDE}px", height=FRAME_SIDE)
    with chart, main_picture(first, alt="The input image", height=FRAME_SIDE, top=FRAME_TOP):
        mount(_WALK, packed(backprop_walk, bundle, version), key=f"there-and-back-{project.slug}")
    st.caption(
        "Computed in NumPy in 64 bits, in evaluation mode (no dropout, running means). Autograd's "
        f"gradients of this example differ by at most {backprop_walk.error:.0e}."
    )
    with st.expander("Why backpropagation works", icon=":material/function:"):
        st.markdown(THEORY)
        for name, formula in LAYERS.items():
            st.markdown(f"**{name}**")
            st.latex(formula)


def _example(project: "Project", run: Run, bundle: Bundle) -> tuple[np.ndarray, int]:
    """Return pixels (H, W) and the target class: a test sample, or the drawing from the Predict panel."""
    drawing = prepare_pixels(read_text(DRAWING), int(bundle.preprocessing["height"]))
    if drawing is not None:
        example = choose("Example", ["Test sample", "My drawing"], key="walk-example", show_label=True)
        if example == "My drawing":
            digit = st.number_input("Target digit", 0, len(bundle.labels) - 1, 0, key="walk-digit", bind="query-params")
            return drawing, int(digit)
    stored = run_cache.predictions(bundle)
    ids = stored["test_ids"]
    row = pick_sample(project, run.config.dataset, ids, key="walk", scores=stored["test_scores"])
    return samples.get_test_image(run.config, int(ids[row])), int(stored["test_targets"][row])


def prepare_pixels(strokes: str, side: int) -> np.ndarray | None:
    """Return the browser's drawing as a network input; None if it is empty or invalid."""
    try:
        raw = np.frombuffer(base64.b64decode(strokes, validate=True), dtype=np.uint8)
    except ValueError:
        return None
    if raw.size != CANVAS_SIZE * CANVAS_SIZE or not raw.any():
        return None
    return backprop.prepare_drawing(raw.reshape(CANVAS_SIZE, CANVAS_SIZE), side)


@cache_resource(max_entries=16, show_spinner=False)
def _walk(key: str, pixels: bytes, shape: tuple[int, int], target: int, _bundle: Bundle) -> BackpropWalk:
    loaded = run_cache.load_model(_bundle)
    x = images.normalize(np.frombuffer(pixels, dtype=np.uint8).reshape(shape), loaded.preprocessing)
    return walk(loaded.module, x, target)  # type: ignore[arg-type]


def packed(backprop_walk: BackpropWalk, bundle: Bundle, version: str) -> dict[str, Any]:
    """Pack a walk for the browser."""
    return {
        "version": version,
        "network": run_cache.bundle_key(bundle),
        "labels": list(bundle.labels),
        "target": backprop_walk.target,
        "loss": backprop_walk.loss,
        "x": pack(backprop_walk.stages[0].x),
        "shapeX": list(backprop_walk.stages[0].x.shape),
        "probabilities": pack(backprop_walk.probabilities, dtype="float64"),
        "dz": pack(backprop_walk.dz, dtype="float64"),
        "stages": [_packed(stage) for stage in backprop_walk.stages],
    }


def _packed(stage: WalkStage) -> dict[str, Any]:
    arrays = {**stage.parameters, **{k: v for k, v in stage.facts.items() if isinstance(v, np.ndarray)}}
    plain = {k: v for k, v in stage.facts.items() if not isinstance(v, np.ndarray)}
    return {
        "name": stage.name,
        "kind": stage.kind,
        "shape": list(stage.y.shape),
        "error": stage.error,
        **plain,
        "y": pack(stage.y),
        "dx": pack(stage.dx),
        "dy": pack(stage.dy),
        **{k: pack(v) for k, v in arrays.items()},
    }
