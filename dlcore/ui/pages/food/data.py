"""Data of photos: the dataset, one photo as training sees it, and the weights that are at hand to begin with."""

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.data.sources import weights
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.runs import Run
from dlcore.ui.modalities import image
from dlcore.ui.shell import download_offer
from dlcore.ui.widgets import samples

VERSIONS = 6
"""Versions of one photo."""


def data(project: Project, run: Run | None) -> None:
    """The dataset of the run, its changes in training, and pretrained weights."""
    _show_weights()
    image.overview(project, run)
    config = run.config if run is not None else projects.configure(project.slug)
    if samples.is_available(config):
        _show_augmentation(config)


def _show_weights() -> None:
    """Which weights are here; what is missing is fetched from here too."""
    rows = list(weights.WEIGHTS.values())
    missing = [row for row in rows if weights.find(row.backbone) is None]
    text = f"{len(rows) - len(missing)} of {len(rows)} here"
    with st.expander(f"Pretrained weights: {text}", icon=":material/downloading:"):
        st.dataframe(
            {
                "Network": [row.backbone for row in rows],
                "Here": ["no" if row in missing else "yes" for row in rows],
                "Size, MB": [round(row.size / 1e6, 1) for row in rows],
                "Right on ImageNet, % (torchvision's word)": [round(100 * row.accuracy, 1) for row in rows],
                "License": [row.license for row in rows],
            },
            hide_index=True,
            width="stretch",
        )
        if not missing:
            return
        choice = st.selectbox("Fetch", [row.backbone for row in missing], key="food-weights")
        download_offer.offer_download(f"{weights.PREFIX}{choice}")


def _show_augmentation(config: RunConfig) -> None:
    st.subheader("As training sees one of them", anchor=False)
    options = config.data_options.model_dump()
    active = [
        name
        for name, is_active in (
            ("another part cut out", options["zoom"] < 1),
            ("mirrored", options["flip"]),
            ("brighter or darker", options["color_jitter"] > 0),
            ("a square hidden", options["random_erasing"] > 0),
            ("mixed in pairs, not shown here", options["mixup"] > 0),
        )
        if is_active
    ]
    if config.flat.get("train") == "head":
        st.caption("The head alone is trained: it sees the features of each photo as it is, and mirrored.")
        return
    st.caption(f"Each epoch sees it otherwise ({', '.join(active)}); validation and test see photos as they are.")
    versions = _augmented_versions(
        config.dataset,
        int(options["side"]),
        int(options["train_side"]),
        (options["zoom"], options["flip"], options["color_jitter"], options["random_erasing"]),
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="The same photo", width=104)


@st.cache_data(max_entries=8, show_spinner=False)
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
