"""Why a picture got its class: maps by several methods, and whether the one shown may be trusted."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.data.images import images
from dlcore.explanation import findings as trust_words
from dlcore.explanation import sanity_checks
from dlcore.explanation.agreement import rank_correlation
from dlcore.plots import attribution as plots
from dlcore.projects.project import Project
from dlcore.projects.vision import explain as picture_maps
from dlcore.projects.vision.explain import NAMES, ONE_SIDED, AttributionMap, ImageExplanation, Method
from dlcore.runs import Bundle, Run
from dlcore.ui.components.blend import component as blend
from dlcore.ui.modalities.explain_text import choose_sample
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure
from dlcore.ui.widgets.findings import show_check

BLENDED, DRAWN = 128, 128
"""From so many pixels a side on picture and map lie over each other; and at most so many of a small map's are drawn."""
WORDS: dict[Method, str] = {
    "gradients": "Orange-red pixels speak for “{label}”, blue ones against it, compared with a black picture. The "
    "gradient is added up on the way from black to this picture (integrated gradients, Sundararajan et al. 2017).",
    "occlusion": "A black square of {side} x {side} pixels covers one place after the other. Orange-red: the score of "
    "“{label}” falls when it is covered; blue: it rises (occlusion, Zeiler & Fergus 2014).",
    "cam": "Where the last feature map, that of layer `{layer}` with {grid} places, speaks for “{label}” (Grad-CAM, "
    "Selvaraju et al. 2017). What speaks against is not shown; the map is as coarse as the layer.",
    "rollout": "Method much of each patch reaches the answer through all blocks (attention rollout, Abnar & Zuidema "
    "2020). It is the same for every class: it tells where the network looks, not what for.",
}


def explain_picture(project: Project, run: Run, bundle: Bundle) -> None:
    """Which pixels speak for and against a class, by a method of choice, and four tests of that map."""
    row, target = choose_sample(project, run, bundle)
    origin = int(run_cache.predictions(bundle)["test_ids"][row])
    picture = samples.load_run_images(run.config).test_pixels[origin]
    explain_pixels(project, bundle, picture, target, origin=origin)


def explain_pixels(project: Project, bundle: Bundle, picture: np.ndarray, target: int, *, origin: int | str) -> None:
    """The same for any picture (H, W) or (H, W, 3), uint8, and one class; `origin` tells pictures apart."""
    asked = picture_maps.prepare_explanation(run_cache.load_model(bundle), picture, target)
    how = _method(project, asked)
    key, label = run_cache.bundle_key(bundle), bundle.labels[target]
    found = _map(key, origin, target, how, _asked=asked)
    side = int(bundle.preprocessing.get("side", picture.shape[0]))
    shown = images.resize(picture[None], side)[0]
    one_sided = how in ONE_SIDED
    of = "" if how == "rollout" else label  # the rollout is the same for every class
    if shown.ndim == 3 and side >= BLENDED:
        blend.show_blend(
            shown, found.values, one_sided=one_sided, version=f"{key}-{origin}-{target}-{how}", key="blend"
        )
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            show_figure(plots.picture(shown), key="explained-picture", alt="The picture")
        with right:
            figure = plots.image_attribution(found.values, label=of, one_sided=one_sided)
            show_figure(figure, key="explained", alt=f"What each pixel did for {label} by {NAMES[how]}")
    st.caption(_words(asked, how, label))
    if not found.values.any():
        st.info(f"Nothing in this picture speaks for “{label}” by this method.", icon=":material/info:")
        return
    _trust(key, origin, target, how, asked, found, label)


def _method(project: Project, asked: ImageExplanation) -> Method:
    first: Method = "cam" if "cam" in asked.ways and asked.x.shape[-1] >= BLENDED else "gradients"
    chosen: Method | None = st.segmented_control(
        "How to find out",
        asked.ways,
        default=first,
        required=True,
        format_func=NAMES.__getitem__,
        key=f"explained-how-{project.slug}-{'-'.join(asked.ways)}",
    )
    return chosen or first


def _words(asked: ImageExplanation, how: Method, label: str) -> str:
    rows, columns = asked.grid
    words = WORDS[how].format(label=label, side=asked.window.side, layer=asked.layer, grid=f"{rows} x {columns}")
    return words if asked.effort.full else f"{words} The network is large, so the map was made with fewer steps."


@st.cache_data(max_entries=64, show_spinner="Working out what each pixel did")
def _map(key: str, origin: int | str, target: int, how: Method, _asked: Any) -> AttributionMap:
    return picture_maps.compute_map(_asked, how)


def _trust(
    key: str, origin: int | str, target: int, how: Method, asked: ImageExplanation, found: AttributionMap, label: str
) -> None:
    """Four tests of the map: sum, random weights, another method, deletion."""
    st.subheader("May it be trusted?", anchor=False)
    other: Method = "gradients" if how == "occlusion" else "occlusion"
    second = _map(key, origin, target, other, _asked=asked)
    tests = _tested(key, origin, target, how, _asked=asked, _values=found.values)
    findings = [] if found.delta is None else [trust_words.check_completeness(found.output, found.floor, found.delta)]
    findings.append(trust_words.check_random_weights(tests["likeness"]))
    pair = (found.values, second.values) if other == "occlusion" else (second.values, found.values)
    fine: Method = how if other == "occlusion" else "gradients"
    agree = rank_correlation(*picture_maps.align_maps(asked, fine, *pair))
    findings.append(trust_words.check_agreement(agree, one=NAMES[how], other=NAMES[other]))
    findings.append(trust_words.check_deletion(tests["deletion"]))
    for finding in findings:
        show_check(finding)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        maps = {"this model": found.values, "random weights": tests["random"], NAMES[other].lower(): second.values}
        one_sided = how in ONE_SIDED
        if one_sided:
            maps[NAMES[other].lower()] = np.maximum(second.values, 0)
        figure = plots.image_maps({name: _small(values) for name, values in maps.items()}, one_sided=one_sided)
        show_figure(figure, key="trust-maps", alt="The map, that of random weights, and that of another method")
        st.caption("Each map is scaled to its own largest value.")
    with right:
        curve = tests["deletion"]
        figure = plots.deletion_curve(
            curve.removed, curve.ours, curve.chance, low=curve.low, high=curve.high, label=label
        )
        show_figure(figure, key="deletion", alt=f"Area {curve.area:.2f}, in random order {curve.chance_area:.2f}")
        st.caption("The faster the orange line falls below the grey ones, the better the map found what matters.")


@st.cache_data(max_entries=64, show_spinner="Putting the map to the test")
def _tested(key: str, origin: int | str, target: int, how: Method, _asked: Any, _values: np.ndarray) -> dict[str, Any]:
    """Rank correlations with random weights, one of their maps, and the deletion curve."""
    drawn: list[np.ndarray] = []

    def explained(module: Any) -> np.ndarray:
        drawn.append(_values if module is _asked.module else picture_maps.compute_map(_asked, how, module).values)
        return drawn[-1]

    alike = sanity_checks.similarity(_asked.module, explained, relevant=_asked.relevant, draws=_asked.effort.draws)
    curve = sanity_checks.deletion_curve(
        _asked.module,
        _asked.x,
        _asked.target,
        _values,
        baseline=_asked.black,
        steps=_asked.effort.points,
        draws=_asked.effort.orders,
    )
    return {"likeness": alike, "random": drawn[1], "deletion": curve}


def _small(values: np.ndarray) -> np.ndarray:
    """A map (H, W) drawn small: the means of blocks, at most `DRAWN` of them a side."""
    times = -(-max(values.shape) // DRAWN)
    height, width = (length // times for length in values.shape)
    blocks = values[: height * times, : width * times].reshape(height, times, width, times)
    found: np.ndarray = blocks.mean(axis=(1, 3))
    return found
