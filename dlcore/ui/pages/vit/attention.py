"""Explain panel of the Vision Transformer: attention of each head, rollout, position similarity; and pixel
attributions.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.evaluation.metrics import format_percent
from dlcore.explanation import rollout
from dlcore.plots import attention as plots
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.attention.component import AttentionView, show_attention
from dlcore.ui.modalities import upload
from dlcore.ui.modalities.explain_image import explain_image, explain_source
from dlcore.ui.modalities.predict import pick_sample
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.first_paint import main_picture
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.choice import choose
from dlcore.ui.widgets.figure import show_figure

HOW_TO_READ = (
    "Each map is one head of one block; orange marks the attention of the selected patch (arrow keys select, too). "
    "Every map is scaled to its maximum, shown below it; the remaining attention is on other patches and the class "
    "token. The class token is the extra token that is classified: the page opens on its attention. Rollout multiplies "
    "the mean attention of all blocks with their residual connections (Abnar & Zuidema 2020): how much of a patch "
    "reaches the output, not whether it supports the class."
)
HEADS, PIXELS = "Attention", "Pixel attributions"


def explain(project: Project, run: Run | None) -> None:
    """Draw the attention of a Transformer, or pixel attributions; networks without attention have the latter only."""
    bundle = run_cache.finished_bundle(run, to_see="the attention of a trained Transformer")
    if bundle is None or run is None:
        return
    if not hasattr(run_cache.load_model(bundle).module, "attentions"):
        st.caption("This network has no attention; choose a Transformer at the top to see one.")
        explain_image(project, run, bundle)
        return
    with st.container(horizontal=True):
        view = choose("View", [HEADS, PIXELS], key="vit-view")
        is_uploaded = upload.choose_source()
    if view == PIXELS:
        explain_source(project, run, bundle, is_uploaded=is_uploaded)
    elif not is_uploaded:
        _heads(project, run, bundle)
        _whole_network(bundle)
    elif (prediction := upload.answer_upload(project, bundle)) is not None:
        show_uploaded_attention(bundle, prediction)


def show_uploaded_attention(bundle: Bundle, prediction: Mapping[str, Any]) -> None:
    """Draw the attention for the user's image, from its prediction."""
    pixels = np.array(prediction["pixels"], dtype=np.uint8)
    show_attention_view(bundle, pixels, name=f"own-{zlib.crc32(pixels.tobytes())}", key="attention-of-own")
    with st.expander("How to read the maps"):
        st.markdown(HOW_TO_READ)


def _heads(project: Project, run: Run, bundle: Bundle) -> None:
    stored, labels = run_cache.predictions(bundle), bundle.labels
    verdict_line = st.container()
    with main_picture():
        picture = st.container()
    row = pick_sample(project, run.config.dataset, stored["test_ids"], key="attention-sample")
    origin, prediction = int(stored["test_ids"][row]), run_cache.stored_prediction(bundle, row)
    actual = labels[int(stored["test_targets"][row])]
    verdict = "correct" if prediction["label"] == actual else "incorrect"
    verdict_line.markdown(
        f"Predicted: **{as_text(prediction['label'])}** ({format_percent(prediction['probability'])}), **{verdict}**. "
        f"Actual: “{as_text(actual)}”. "
        "**Hover over a patch** to see its attention."
    )
    image = samples.get_test_image(run.config, origin)
    with picture:
        show_attention_view(bundle, image, name=str(origin), key="attention")
    with st.expander("How to read the maps"):
        st.markdown(HOW_TO_READ)


def show_attention_view(bundle: Bundle, image: np.ndarray, *, name: str, key: str) -> None:
    """Draw the attention component for an image (H, W) or (H, W, 3) uint8; `name` identifies it."""
    version = f"{run_cache.bundle_key(bundle)}-{name}"
    attentions = _attentions(version, _bundle=bundle, _image=image)
    module: Any = run_cache.load_model(bundle).module
    patch = int(bundle.config.flat["patch"])
    view = AttentionView(image, module.grid, patch, attentions, rollout.rollout(attentions))
    show_attention(view, version=version, key=key)


@cache_data(max_entries=16, show_spinner="Computing attention")
def _attentions(version: str, _bundle: Any, _image: np.ndarray) -> np.ndarray:
    """Return attention weights (B, heads, T, T) of one image."""
    import torch

    from dlcore.data.images import images
    from dlcore.inference.predict import evaluation_mode

    model = run_cache.load_model(_bundle)
    module: Any = model.module
    with evaluation_mode(module):
        x = torch.from_numpy(images.to_model_input(_image, model.preprocessing)[None])
        attentions: np.ndarray = module.attentions(x)[0].numpy()
    return attentions


def _whole_network(bundle: Bundle) -> None:
    """Draw what holds for every image: position similarity and mean attention distances."""
    module: Any = run_cache.load_model(bundle).module
    rows, columns = module.grid
    left, right = st.columns(2, gap="medium")
    with left:
        similarity = module.position_similarity().numpy()
        figure = plots.position_similarity(similarity, module.grid)
        near, far = _neighbor_similarity(similarity, module.grid)
        show_figure(
            figure, key="positions", alt=f"Position similarity; neighbors {near:+.2f}, distant positions {far:+.2f}"
        )
        st.caption(
            f"Mean cosine similarity: {near:+.2f} between neighbors, {far:+.2f} between distant positions.",
            help=f"One tile for each of the {rows} x {columns} positions, showing its similarity to all positions. "
            "Distant: at least half an image apart.",
        )
    with right:
        distances, uniform = _distances(run_cache.bundle_key(bundle), _bundle=bundle)
        figure = plots.head_distances(distances, even=uniform)
        show_figure(
            figure,
            key="distances",
            alt=f"Mean attention distances from {distances.min():.1f} to {distances.max():.1f} patches",
        )
        st.caption(f"Mean over {IMAGES} test images. Low: local, as in a convolution. Dotted: uniform.")


IMAGES = 32


@cache_data(max_entries=8, show_spinner="Measuring attention distances")
def _distances(key: str, _bundle: Any) -> tuple[np.ndarray, float]:
    """Return mean attention distances (B, heads) over some test images, and that of uniform attention."""
    import torch

    from dlcore.data.images import images
    from dlcore.inference.predict import evaluation_mode

    model = run_cache.load_model(_bundle)
    module: Any = model.module
    test_pixels = [samples.get_test_image(_bundle.config, row) for row in range(IMAGES)]
    x = torch.from_numpy(np.stack([images.to_model_input(pixels, model.preprocessing) for pixels in test_pixels]))
    with evaluation_mode(module):
        attentions = module.attentions(x).numpy()
    distances = np.mean([rollout.distances(attention, module.grid) for attention in attentions], axis=0)
    uniform = rollout.distances(np.full((1, 1, *attentions.shape[-2:]), 1.0), module.grid)
    return distances, float(uniform[0, 0])


def _neighbor_similarity(similarity: np.ndarray, grid: tuple[int, int]) -> tuple[float, float]:
    """Return the mean cosine between adjacent positions, and between positions at least half an image apart."""
    positions = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)
    steps = np.abs(positions[:, None] - positions[None]).max(axis=-1)
    near, far = steps == 1, steps >= max(2, max(grid) // 2)
    means = [float(similarity[mask].mean()) if mask.any() else float("nan") for mask in (near, far)]
    return means[0], means[1]
