"""Explain an image's class: attribution maps by several methods, and sanity checks of the map shown."""

import hashlib
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.images import images
from dlcore.explanation.methods import EXPLAINERS
from dlcore.plots import attribution as plots
from dlcore.projects.project import Project
from dlcore.projects.vision import explain as explanations
from dlcore.projects.vision.explain import LARGE, ONE_SIDED, AttributionMap, CheckedMap, ImageQuestion, Method
from dlcore.runs import Bundle, Run
from dlcore.ui.components.blend import component as blend
from dlcore.ui.modalities import upload
from dlcore.ui.modalities.explain_text import choose_class, choose_sample
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_checks

MAX_SIDE = 128
"""Side of a small map in the comparison, in pixels."""
CAPTIONS: dict[Method, str] = {
    "gradients": "Orange-red: evidence for class “{label}”. Blue: evidence against it. Baseline: a black image. "
    "Integrated gradients, Sundararajan et al. 2017.",
    "occlusion": "A black square of {side} x {side} pixels covers one position after another. Orange-red: the logit of "
    "“{label}” falls. Blue: it rises. Occlusion, Zeiler & Fergus 2014.",
    "cam": "Evidence for class “{label}” in the last feature map, layer `{layer}` with {grid} positions. "
    "Evidence against it is not shown. Grad-CAM, Selvaraju et al. 2017.",
    "rollout": "How much of each patch reaches the output through all blocks, the same for every class. Attention "
    "rollout, Abnar & Zuidema 2020.",
}


def explain_image(project: Project, run: Run, bundle: Bundle) -> None:
    """Show the attribution map of a test image, or of the user's image, for one class, with sanity checks."""
    explain_source(project, run, bundle, is_uploaded=upload.choose_source())


def explain_source(project: Project, run: Run, bundle: Bundle, *, is_uploaded: bool) -> None:
    """Show the attribution map of a test image or of the uploaded image, with sanity checks."""
    if not is_uploaded:
        explain_test_image(project, run, bundle)
        return
    left, right = st.columns(2)
    with left:
        prediction = upload.answer_upload(project, bundle)
    if prediction is not None:
        pixels = np.array(prediction["pixels"], dtype=np.uint8)
        with right:
            target = choose_class(bundle.labels, prediction, of=_digest(pixels))
        explain_pixels(project, bundle, pixels, target)


def explain_test_image(project: Project, run: Run, bundle: Bundle) -> None:
    """Show the attribution map of a test image for one class, with sanity checks."""
    row, target = choose_sample(project, run, bundle)
    origin = int(run_cache.predictions(bundle)["test_ids"][row])
    explain_pixels(project, bundle, samples.get_test_image(run.config, origin), target)


def explain_pixels(project: Project, bundle: Bundle, pixels: np.ndarray, target: int) -> None:
    """Show the same for any image (H, W) or (H, W, 3), uint8."""
    pixels = np.ascontiguousarray(pixels)
    question = explanations.prepare_explanation(run_cache.load_model(bundle), pixels, target)
    method = _choose_method(project, question)
    key, label = f"{run_cache.bundle_key(bundle)}-{_digest(pixels)}", bundle.labels[target]
    attribution = _compute_map(key, target, method, _question=question)
    side = int(bundle.preprocessing.get("side", pixels.shape[0]))
    model_input, one_sided = images.resize(pixels[None], side)[0], method in ONE_SIDED
    if model_input.ndim == 3 and side >= LARGE:
        blend.show_blend(
            model_input, attribution.values, one_sided=one_sided, version=f"{key}-{target}-{method}", key="blend"
        )
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            show_figure(plots.picture(model_input), key="explained-picture", alt="The image")
        with right:
            for_label = "" if method == "rollout" else label  # the rollout is the same for every class
            figure = plots.image_attribution(attribution.values, label=for_label, one_sided=one_sided)
            show_figure(
                figure, key="explained", alt=f"Evidence for class {label} by pixel, {explanations.method_title(method)}"
            )
    st.caption(_caption(question, method, label))
    if not attribution.values.any():
        st.info(f"No evidence for class “{as_text(label)}” in this image by this method.", icon=":material/info:")
        return
    second = _compute_map(key, target, explanations.second_method(method), _question=question)
    _show_checks(
        method, attribution, _check_map(key, target, method, _question=question, _maps=(attribution, second)), label
    )


def _digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:16]


def _choose_method(project: Project, question: ImageQuestion) -> Method:
    methods = question.plan.methods
    return choose(
        "Method",
        methods,
        key=f"explained-how-{'-'.join(methods)}",
        default=question.default_method,
        format_func=explanations.method_title,
        show_label=True,
    )


def _caption(question: ImageQuestion, method: Method, label: str) -> str:
    plan = question.plan
    rows, columns = plan.grid
    if method not in CAPTIONS:
        return as_text(EXPLAINERS[method].caption)
    caption = CAPTIONS[method].format(
        label=as_text(label), side=plan.window.side, layer=plan.layer, grid=f"{rows} x {columns}"
    )
    return caption if plan.budget.full else f"{caption} Computed with fewer steps, as the network is large."


@cache_data(max_entries=64, show_spinner="Computing the attribution map")
def _compute_map(key: str, target: int, method: Method, _question: Any) -> AttributionMap:
    return explanations.compute_map(_question, method)


@cache_data(max_entries=64, show_spinner="Checking the map")
def _check_map(key: str, target: int, method: Method, _question: Any, _maps: Any) -> CheckedMap:
    return explanations.check_map(_question, method, *_maps)


def _show_checks(method: Method, attribution: AttributionMap, checked: CheckedMap, label: str) -> None:
    st.subheader("Sanity checks", anchor=False)
    show_checks(checked.checks)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        one_sided = method in ONE_SIDED
        second = np.maximum(checked.other_values, 0) if one_sided else checked.other_values
        maps = {
            "this model": attribution.values,
            "random weights": checked.random_values,
            explanations.method_title(checked.other).lower(): second,
        }
        figure = plots.image_maps({name: _shrink(values) for name, values in maps.items()}, one_sided=one_sided)
        show_figure(
            figure, key="trust-maps", alt="Attribution maps of this model, of random weights and of another method"
        )
        st.caption("Each map is scaled to its own largest value.")
    with right:
        curve = checked.deletion
        figure = plots.deletion_curve(
            curve.removed, curve.ours, curve.chance, low=curve.low, high=curve.high, label=label
        )
        show_figure(figure, key="deletion", alt=f"Area {curve.area:.2f}, in random order {curve.chance_area:.2f}")
        st.caption("The faster the orange line falls below the gray ones, the better the map.")


def _shrink(values: np.ndarray) -> np.ndarray:
    """Return a map (H, W) averaged over blocks, at most `MAX_SIDE` blocks per side."""
    factor = -(-max(values.shape) // MAX_SIDE)
    height, width = (length // factor for length in values.shape)
    blocks = values[: height * factor, : width * factor].reshape(height, factor, width, factor)
    means: np.ndarray = blocks.mean(axis=(1, 3))
    return means
