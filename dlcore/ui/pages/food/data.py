"""Data panel for photos: the dataset, augmentation, and pretrained weights."""

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.data.sources import weights
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Run
from dlcore.ui.modalities import image
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.widgets import samples

VERSIONS = 6
"""Versions of one photo."""


def data(project: Project, run: Run | None) -> None:
    """Show the dataset of the run, its augmentation, and pretrained weights."""
    _show_weights()
    image.overview(project, run)
    config = run.config if run is not None else projects.configure(project.slug)
    if samples.is_available(config):
        _show_augmentation(config)


def _show_weights() -> None:
    """List the pretrained weights and offer missing ones for download."""
    rows = list(weights.WEIGHTS.values())
    missing = [row for row in rows if weights.find(row.backbone) is None]
    text = f"{len(rows) - len(missing)} of {len(rows)} available"
    with st.expander(f"Pretrained weights: {text}", icon=":material/downloading:"):
        st.dataframe(
            {
                "Network": [row.backbone for row in rows],
                "Available": ["no" if row in missing else "yes" for row in rows],
                "Size, MB": [round(row.size / 1e6, 1) for row in rows],
                "ImageNet accuracy, % (as reported)": [round(100 * row.accuracy, 1) for row in rows],
                "License": [row.license for row in rows],
            },
            hide_index=True,
            width="stretch",
        )
        if not missing:
            return
        choice = st.selectbox("Download weights", [row.backbone for row in missing], key="food-weights")
        download_offer.offer_download(f"{weights.PREFIX}{choice}")


def _show_augmentation(config: RunConfig) -> None:
    st.subheader("Augmentation", anchor=False)
    options = config.data_options.model_dump()
    active = [
        name
        for name, is_active in (
            ("random crop", options["zoom"] < 1),
            ("horizontal flip", options["flip"]),
            ("color jitter", options["color_jitter"] > 0),
            ("random erasing", options["random_erasing"] > 0),
            ("mixup, not shown", options["mixup"] > 0),
        )
        if is_active
    ]
    if config.flat.get("train") == "head":
        st.caption("Only the head is trained, on features of each photo and of its horizontal flip.")
        return
    st.caption(
        f"Each epoch uses another random version ({', '.join(active)}). Validation and test photos are unchanged."
    )
    versions = _augmented_versions(
        config.dataset,
        int(options["side"]),
        int(options["train_side"]),
        (options["zoom"], options["flip"], options["color_jitter"], options["random_erasing"]),
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="Augmented photo", width=104)


@cache_data(max_entries=8, show_spinner=False)
def _augmented_versions(
    dataset: str, side: int, train_side: int, augmentation: tuple[float, bool, float, int]
) -> list[np.ndarray]:
    import torch

    from dlcore.data.images import images
    from dlcore.data.images.photos import PhotoAugmentation, PhotoTransform

    zoom, flip, jitter, erase = augmentation
    photos = samples.load_images(dataset, max(images.SIDE, side))
    image = images.resize(np.asarray(photos.pixels[:1]), side)
    transform = PhotoTransform((0.0,) * 3, (1.0,) * 3, PhotoAugmentation(train_side, zoom, flip, jitter, erase))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        (x,) = transform((torch.from_numpy(image.copy()).repeat(VERSIONS, 1, 1, 1),), True)
    return list((x.permute(0, 2, 3, 1) * 255).clamp(0, 255).byte().numpy())
