"""Images: source, duplicates, samples and augmentation of a dataset, upload, and attribution maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore import projects
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import registry as custom_registry
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.images.folders import RejectedFile
from dlcore.data.sources import locate as sources
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.vision import images as pictures
from dlcore.runs import Bundle, Run
from dlcore.ui.custom_data import form
from dlcore.ui.modalities import explain_image
from dlcore.ui.modalities.browse import browse as browse_images
from dlcore.ui.modalities.predict import number_of_sample, predict_payload, show_prediction
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets import samples
from dlcore.ui.widgets.figure import show_figure

STARTS_WITH_INPUT = False
SHOWN, CHANGED = 4, 6
"""Samples per class, and augmented versions of one image."""
MOST_SHOWN, PAIRS, MOST_ALIKE = 30, 4, 6
CHANGES = {"shift": "shift", "flip": "flip", "jitter": "color jitter", "cutout": "cutout"}


def overview(project: Project, run: Run | None) -> None:
    """Source, class counts, duplicates, samples and augmentation of the images, and a form for custom ones."""
    config = _chosen(project, run.config if run is not None else projects.configure(project.slug))
    with_error_boundary(lambda: _dataset(config))
    if "images" in project.custom_data:
        form.show_form("images")
        form.show_saved("images")


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str) -> int:
    """A test image, at first the first one."""
    return number_of_sample(project, len(ids), key=key, first=lambda: 0)


def show(config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
    """Test images in a row, each above its caption."""
    if not samples.is_available(config):
        st.caption("; ".join(captions) + ".")
        if large and not custom_registry.is_custom(config.dataset):
            download_offer.offer_download(config.dataset)
        return
    pixels = samples.load_run_images(config).test_pixels
    samples.show_images([pixels[row] for row in ids], captions, alt="Test image", width=224 if large else 112)


def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Test images one by one, filtered by prediction and class."""
    browse_images(project, run, bundle)


def explain(project: Project, run: Run, bundle: Bundle) -> None:
    """Attribution maps of one test image."""
    explain_image.explain_picture(project, run, bundle)


def input_widget(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    """Upload of an image, the image as the model sees it, and the prediction."""
    colour = bundle.preprocessing.get("channels") == 3
    how = (
        "The image is center-cropped and resized to the model's input"
        if colour
        else "Best with one object on a plain background. The image is converted to grayscale, cropped and resized to "
        "the model's input"
    )
    st.caption(f"{how}, shown below. It is not stored.")
    kinds = ["png", "jpg", "jpeg", "gif", "bmp", "webp"]
    file = st.file_uploader("Your image", type=kinds, key="own-picture", max_upload_size=project.input_limit // 2**20)
    if file is None:
        st.info("Choose an image, or switch to a test sample above.", icon=":material/upload_file:")
        return None
    prediction = predict_payload(project, bundle, file.getvalue())
    if prediction is None:
        return None
    left, right = st.columns([1, 2], gap="large")
    with left:
        samples.show_images(
            [np.array(prediction["pixels"], dtype=np.uint8)], ["model input"], alt="Your image", width=224
        )
    with right:
        show_prediction(prediction, bundle)
    return prediction


def _chosen(project: Project, config: RunConfig) -> RunConfig:
    """Config of the images to show: the page's run, or a default run on the chosen dataset."""
    gone = custom_registry.is_custom(config.dataset) and not samples.is_available(config)
    names = [] if gone else [config.dataset]
    if "images" in project.custom_data:
        known = projects.list_datasets(project.slug)
        names += [name for name in known if name not in names and sources.is_available(name)]
    if gone:
        st.info(
            f"The training images of this run, “{custom_registry.plain_name(config.dataset)}”, are not on this "
            "machine any more; its scores stay.",
            icon=":material/folder_off:",
        )
    added = form.announce_added("images")
    if len(names) < 2:
        return config if config.dataset in names or not names else projects.configure(project.slug, dataset=names[0])
    name = st.selectbox(
        "Dataset",
        names,
        index=names.index(added) if added in names else 0,
        format_func=lambda name: sources.get_dataset(name).title,
        key=f"pictures-of-{project.slug}-{'-'.join(names)}",
        help="Default: the dataset of the run above.",
    )
    return config if name == config.dataset and not gone else projects.configure(project.slug, dataset=name)


def _dataset(config: RunConfig) -> None:
    _said(config.dataset)
    run_images = samples.load_run_images(config)
    _parts(run_images)
    describe_duplicates(run_images)
    _left_out(_remarks(config.dataset, run_images))
    _samples(run_images)
    _changed(run_images, config)


def _said(name: str) -> None:
    if custom_registry.is_custom(name):
        entry = custom_registry.require(name, "images")
        st.markdown(f"**{entry.name}**, custom dataset: {entry.rows:,} images from `{entry.source}`.")
        return
    source = sources.get_dataset(name)
    where = f"[Source]({source.homepage})" if source.homepage else "No home page"
    st.markdown(f"**{source.title}**: {source.rows:,} images. {where}; license: {source.license}.")


def _parts(found: images.Images) -> None:
    counts = np.stack([np.bincount(part, minlength=len(found.names)) for part in (found.labels, found.test_labels)])
    height, width = found.pixels.shape[1:3]
    kind = "RGB," if found.channels == 3 else "grayscale,"
    st.caption(
        f"{len(found.labels):,} training and {len(found.test_labels):,} test images, {height} x "
        f"{width} pixels, {kind} from 0 (dark) to 255 (bright). A share of the training images is used for validation."
    )
    figure = plots.class_counts(counts, ("training", "test"), _spoken(found))
    total = counts.sum(axis=0)
    show_figure(figure, key="class-counts", alt=f"{total.min():,} to {total.max():,} images per class")


def _spoken(found: images.Images) -> tuple[str, ...]:
    """Class names for display."""
    return tuple(name.replace("_", " ") for name in found.names)


def describe_duplicates(found: images.Images) -> None:
    """Show the number of duplicates and how splits treat them."""
    near = "" if found.near is None else f" and **{found.near:,}** nearly the same"
    same = "1 image is" if found.exact == 1 else f"{found.exact:,} images are"
    words = f"**Duplicates:** {same} exact duplicates{near}. "
    if not found.exact and not found.near:
        how = "no exact duplicates" + ("" if found.near is None else ", or nearly so")
        words = f"**Duplicates:** {how}. "
    else:
        words += "Duplicates stay in one split, so no image is both trained and tested on. "
    if found.near is None:
        words += "Near-duplicates are not searched among images this small. "
    crossing = int(found.also_in_test.sum())
    if crossing:
        words += f"{crossing:,} training images are also in the test split: runs exclude them. "
    if found.conflicts:
        words += f"{found.conflicts:,} groups have different labels."
    st.markdown(words)
    numbers, counts = np.unique(found.groups, return_counts=True)
    groups = numbers[counts > 1][:PAIRS]
    if len(groups):
        with st.expander("Examples", icon=":material/filter_none:"):
            for group in groups:
                rows = np.flatnonzero(found.groups == group)[:MOST_ALIKE]
                texts = [f"{_spoken(found)[found.labels[row]]}, row {row:,}" for row in rows]
                samples.show_images([found.pixels[row] for row in rows], texts, alt="Alike", width=104)


def _remarks(name: str, found: images.Images) -> Sequence[RejectedFile]:
    """Remarks on single files; of a custom dataset those of its import."""
    if custom_registry.is_custom(name):
        return custom_images.list_rejected(custom_registry.require(name, "images"))
    return found.refused


def _left_out(remarks: Sequence[RejectedFile]) -> None:
    out = [remark for remark in remarks if not remark.used]
    changed = [remark for remark in remarks if remark.used]
    if not remarks:
        return
    files = "1 file" if len(out) == 1 else f"{len(out):,} files"
    with st.expander(f"{files} left out, {len(changed):,} converted", icon=":material/report:"):
        st.dataframe(
            {
                "File": [remark.name for remark in [*out, *changed]],
                "Why": [remark.reason for remark in [*out, *changed]],
            },
            hide_index=True,
            width="stretch",
        )


def _samples(found: images.Images) -> None:
    st.subheader("Samples", anchor=False)
    each = max(1, min(SHOWN, MOST_SHOWN // len(found.names)))
    rows = np.concatenate([np.flatnonzero(found.labels == k)[:each] for k in range(min(len(found.names), MOST_SHOWN))])
    names = [_spoken(found)[k] for k in found.labels[rows]]
    samples.show_images([found.pixels[row] for row in rows], names, alt="Training image", width=104)


def _changed(found: images.Images, config: RunConfig) -> None:
    """Augmented versions of one training image."""
    options = config.data_options
    if not isinstance(options, pictures.ImageData):
        return
    st.subheader("Augmentation", anchor=False)
    how = pictures.augmentation(options, config.dataset)
    on = [word for name, word in CHANGES.items() if getattr(how, name)]
    row = int(np.flatnonzero(found.labels == 0)[0])
    versions = _versions(config.dataset, row, options.side, how)
    st.caption(
        f"Each epoch sees another version ({', '.join(on)}). Validation and test images are unchanged."
        if on
        else "This run uses no augmentation."
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="Augmented image", width=104)


@st.cache_data(max_entries=16, show_spinner=False)
def _versions(dataset: str, row: int, side: int, how: Augmentation) -> list[np.ndarray]:
    import torch

    found = samples.load_images(dataset)
    picture = images.resize(np.asarray(found.pixels[row : row + 1]), side)
    batch = torch.from_numpy(picture.copy()).repeat(CHANGED, *[1] * (picture.ndim - 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        channels = found.channels
        (seen,) = ImageTransform([0.0] * channels, [1.0] * channels, how)((batch,), True)
    values = (seen.permute(0, 2, 3, 1) * 255).clamp(0, 255).byte().numpy()
    return [item[..., 0] if channels == 1 else item for item in values]
