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

SHOWN = 6
"""Versions of one photo."""


def data(project: Project, run: Run | None) -> None:
    """The dataset of the run, its changes in training, and pretrained weights."""
    _weights()
    image.overview(project, run)
    config = run.config if run is not None else projects.configure(project.slug)
    if samples.is_available(config):
        _changed(config)


def _weights() -> None:
    """Which weights are here; what is missing is fetched from here too."""
    rows = list(weights.WEIGHTS.values())
    away = [row for row in rows if weights.find(row.backbone) is None]
    text = f"{len(rows) - len(away)} of {len(rows)} here"
    with st.expander(f"Pretrained weights: {text}", icon=":material/downloading:"):
        st.dataframe(
            {
                "Network": [row.backbone for row in rows],
                "Here": ["no" if row in away else "yes" for row in rows],
                "Size, MB": [round(row.size / 1e6, 1) for row in rows],
                "Right on ImageNet, % (torchvision's word)": [round(100 * row.accuracy, 1) for row in rows],
                "License": [row.license for row in rows],
            },
            hide_index=True,
            width="stretch",
        )
        if not away:
            return
        choice = st.selectbox("Fetch", [row.backbone for row in away], key="food-weights")
        download_offer.offer_download(f"{weights.PREFIX}{choice}")


def _changed(config: RunConfig) -> None:
    st.subheader("As training sees one of them", anchor=False)
    options = config.data_options.model_dump()
    on = [
        word
        for word, set_so in (
            ("another part cut out", options["zoom"] < 1),
            ("mirrored", options["flip"]),
            ("brighter or darker", options["color_jitter"] > 0),
            ("a square hidden", options["random_erasing"] > 0),
            ("mixed in pairs, not shown here", options["mixup"] > 0),
        )
        if set_so
    ]
    if config.flat.get("train") == "head":
        st.caption("The head alone is trained: it sees the features of each photo as it is, and mirrored.")
        return
    st.caption(f"Each epoch sees it otherwise ({', '.join(on)}); validation and test see photos as they are.")
    versions = _versions(
        config.dataset,
        int(options["side"]),
        int(options["train_side"]),
        (options["zoom"], options["flip"], options["color_jitter"], options["random_erasing"]),
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="The same photo", width=104)


@st.cache_data(max_entries=8, show_spinner=False)
def _versions(dataset: str, side: int, seen: int, how: tuple[float, bool, float, int]) -> list[np.ndarray]:
    import torch

    from dlcore.data.images import images
    from dlcore.data.images.photos import PhotoAugmentation, PhotoTransform

    zoom, flip, jitter, erase = how
    found = samples.load_images(dataset, max(images.SIDE, side))
    picture = images.resize(np.asarray(found.pixels[:1]), side)
    transform = PhotoTransform((0.0,) * 3, (1.0,) * 3, PhotoAugmentation(seen, zoom, flip, jitter, erase))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        (x,) = transform((torch.from_numpy(picture.copy()).repeat(SHOWN, 1, 1, 1),), True)
    return list((x.permute(0, 2, 3, 1) * 255).clamp(0, 255).byte().numpy())
