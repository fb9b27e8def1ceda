"""Explain of the Vision Transformer: where each head looks, through all blocks, how alike positions are; and pixels."""

from typing import Any

import numpy as np
import streamlit as st

from dlcore.explanation import rollout
from dlcore.plots import attention as plots
from dlcore.projects.project import Project
from dlcore.runs import Bundle, Run
from dlcore.ui.components.attention.component import AttentionView, show_attention
from dlcore.ui.modalities.explain_image import explain_picture
from dlcore.ui.modalities.predict import pick_sample
from dlcore.ui.widgets import run_cache, samples
from dlcore.ui.widgets.figure import show_figure

HEADS, PIXELS = "Where it looks", "Pixels for and against"


def explain(project: Project, run: Run | None) -> None:
    """Attention of a Transformer, or what the pixels did; a network without attention has the latter alone."""
    bundle = run_cache.finished_bundle(run, to_see="where a trained Transformer looks")
    if bundle is None or run is None:
        return
    if not hasattr(run_cache.load_model(bundle).module, "attentions"):
        st.caption("This network has no attention; choose a Transformer at the top to see where it looks.")
        explain_picture(project, run, bundle)
        return
    view = st.segmented_control(
        "What to see", [HEADS, PIXELS], default=HEADS, required=True, key="vit-view", label_visibility="collapsed"
    )
    if view == PIXELS:
        explain_picture(project, run, bundle)
        return
    _heads(project, run, bundle)
    _whole_network(bundle)


def _heads(project: Project, run: Run, bundle: Bundle) -> None:
    stored, labels = run_cache.predictions(bundle), bundle.labels
    row = pick_sample(project, run.config.dataset, stored["test_ids"], key="attention-sample")
    origin, prediction = int(stored["test_ids"][row]), run_cache.stored_prediction(bundle, row)
    actual = labels[int(stored["test_targets"][row])]
    verdict = "correct" if prediction["label"] == actual else "incorrect"
    st.markdown(
        f"Predicted: **{prediction['label']}** ({prediction['probability']:.1%}), **{verdict}**. Actual: “{actual}”. "
        "Each small picture is one head of one block; orange is where the chosen patch looks. **Point at a patch**, in "
        "the picture or in any map, or press an arrow key."
    )
    picture = samples.load_images(run.config.dataset).test_pixels[origin]
    show_attention_view(bundle, np.asarray(picture), name=str(origin), key="attention")
    st.caption(
        "Every map is scaled to its own largest share, written below it; what is missing to 100 % is spread over the "
        "other patches and the class token. The class token is the extra place from which the answer is read: the page "
        "opens on what it looks at. Rollout multiplies the mean attention of all blocks, each with its way around "
        "(Abnar & Zuidema 2020): how much of a patch arrives, not whether it speaks for the answer."
    )


def show_attention_view(bundle: Bundle, picture: np.ndarray, *, name: str, key: str) -> None:
    """The component for one picture (H, W) or (H, W, 3) uint8; `name` tells it from others."""
    version = f"{run_cache.bundle_key(bundle)}-{name}"
    attentions = _attentions(version, _bundle=bundle, _picture=picture)
    module: Any = run_cache.load_model(bundle).module
    patch = int(bundle.config.model_options["patch"])
    looks = AttentionView(picture, module.grid, patch, attentions, rollout.rollout(attentions))
    show_attention(looks, version=version, key=key)


@st.cache_data(max_entries=16, show_spinner="Asking every head")
def _attentions(version: str, _bundle: Any, _picture: np.ndarray) -> np.ndarray:
    """(B, heads, T, T) of one picture."""
    import torch

    from dlcore.data.images import images
    from dlcore.inference.predict import evaluation_mode

    model = run_cache.load_model(_bundle)
    module: Any = model.module
    with evaluation_mode(module):
        x = torch.from_numpy(images.to_model_input(_picture, model.preprocessing)[None])
        found: np.ndarray = module.attentions(x)[0].numpy()
    return found


def _whole_network(bundle: Bundle) -> None:
    """What holds for every picture: positions, and how far heads look."""
    module: Any = run_cache.load_model(bundle).module
    rows, columns = module.grid
    left, right = st.columns(2, gap="medium")
    with left:
        similarity = module.position_similarity().numpy()
        figure = plots.position_similarity(similarity, module.grid)
        near, far = _neighbours(similarity, module.grid)
        show_figure(
            figure, key="positions", alt=f"Position similarity; neighbours {near:+.2f}, places far apart {far:+.2f}"
        )
        st.caption(
            f"One tile for each of the {rows} x {columns} places, showing how alike all places are to it. Nobody told "
            f"the network which patches are neighbours: between neighbours the mean cosine is {near:+.2f}, between "
            f"places half a picture apart and more {far:+.2f}."
        )
    with right:
        found, even = _distances(run_cache.bundle_key(bundle), _bundle=bundle)
        figure = plots.head_distances(found, even=even)
        show_figure(figure, key="distances", alt=f"Heads look {found.min():.1f} to {found.max():.1f} patches far")
        st.caption(
            f"Mean over {PICTURES} test pictures and all patches. Low: the head looks around itself, as a convolution "
            "does. On the dotted line: as far as if it looked at all patches alike."
        )


PICTURES = 32


@st.cache_data(max_entries=8, show_spinner="Measuring how far the heads look")
def _distances(key: str, _bundle: Any) -> tuple[np.ndarray, float]:
    """(B, heads) mean over some test pictures, and what looking at all patches alike would give."""
    import torch

    from dlcore.data.images import images
    from dlcore.inference.predict import evaluation_mode

    model = run_cache.load_model(_bundle)
    module: Any = model.module
    found = samples.load_images(_bundle.config.dataset).test_pixels[:PICTURES]
    x = torch.from_numpy(np.stack([images.to_model_input(np.asarray(one), model.preprocessing) for one in found]))
    with evaluation_mode(module):
        attentions = module.attentions(x).numpy()
    distances = np.mean([rollout.distances(one, module.grid) for one in attentions], axis=0)
    even = rollout.distances(np.full((1, 1, *attentions.shape[-2:]), 1.0), module.grid)
    return distances, float(even[0, 0])


def _neighbours(similarity: np.ndarray, grid: tuple[int, int]) -> tuple[float, float]:
    """Mean cosine between places next to each other, and between places half the picture apart and more."""
    places = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)
    apart = np.abs(places[:, None] - places[None]).max(axis=-1)
    near, far = apart == 1, apart >= max(2, max(grid) // 2)
    means = [float(similarity[which].mean()) if which.any() else float("nan") for which in (near, far)]
    return means[0], means[1]
