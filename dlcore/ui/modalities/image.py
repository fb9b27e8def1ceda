"""Images: source, duplicates, samples and augmentation of a dataset, upload, and attribution maps."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.custom import images as custom_images
from dlcore.data.custom import registry as custom_registry
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.images.folders import RejectedFile
from dlcore.data.sources import locate as sources
from dlcore.evaluation import classification
from dlcore.plots import classification as plots
from dlcore.projects.project import Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.vision import images as vision_images
from dlcore.runs import Bundle, Run
from dlcore.ui.compare.networks import offer_networks
from dlcore.ui.custom_data.picker import choose_dataset
from dlcore.ui.modalities import explain_image
from dlcore.ui.modalities.browse import browse as browse_images
from dlcore.ui.modalities.predict import number_of_sample, predict_payload, show_prediction
from dlcore.ui.modalities.quality import show_quality
from dlcore.ui.modalities.upload import upload_image
from dlcore.ui.shell import download_offer
from dlcore.ui.shell.cache import cache_data
from dlcore.ui.shell.error_boundary import with_error_boundary
from dlcore.ui.widgets import batch, samples
from dlcore.ui.widgets.figure import show_figure

STARTS_WITH_INPUT = False
SAMPLES_PER_CLASS, VERSIONS = 4, 6
"""Samples per class, and augmented versions of one image."""
MAX_SAMPLES, MAX_GROUPS, MAX_DUPLICATES = 30, 4, 6
AUGMENTATIONS = {"shift": "shift", "flip": "flip", "jitter": "color jitter", "cutout": "cutout"}


def overview(project: Project, run: Run | None) -> None:
    """Show a form for custom images, and source, class counts, duplicates, samples and augmentation of a dataset."""
    config = choose_dataset(project, run, "images")
    with_error_boundary(lambda: _show_dataset(config))
    with_error_boundary(lambda: show_quality(project, run, config))


def pick_sample(project: Project, dataset: str, ids: np.ndarray, *, key: str, scores: np.ndarray | None = None) -> int:
    """Return the number of the chosen test image; of a missing dataset, among those that ship.

    Initially it is the first, or with `scores` (N, K) the one of which the model is least certain.
    """
    positions = samples.shipped_positions(dataset, ids)
    if positions is None or not len(positions):
        return number_of_sample(
            project, len(ids), key=key, first=lambda: 0 if scores is None else classification.least_confident(scores)
        )
    number = number_of_sample(
        project,
        len(positions),
        key=f"{key}-shipped",
        first=lambda: 0 if scores is None else classification.least_confident(scores[positions]),
    )
    row = int(positions[number])
    st.caption(f"Test image {ids[row]:,}. {samples.describe_shipped(dataset, len(ids))}")
    return row


def show(config: RunConfig, ids: Sequence[int], captions: Sequence[str], *, large: bool = False) -> None:
    """Show test images in a row, each above its caption."""
    pixels = samples.find_test_images(config, ids)
    available = [(image, caption) for image, caption in zip(pixels, captions, strict=True) if image is not None]
    if available:
        images_available, texts = zip(*available, strict=True)
        samples.show_images(images_available, texts, alt="Test image", width=224 if large else 112)
    missing = [caption for image, caption in zip(pixels, captions, strict=True) if image is None]
    if missing:
        st.caption(f"{'Not shown: ' if available else ''}{as_text('; '.join(missing))}.")
        if large and not custom_registry.is_custom(config.dataset):
            download_offer.offer_download(config.dataset)


def browse(project: Project, run: Run, bundle: Bundle) -> None:
    """Show test images one by one, filtered by prediction and class."""
    browse_images(project, run, bundle)


def explain(project: Project, run: Run, bundle: Bundle) -> None:
    """Show attribution maps of one test image."""
    explain_image.explain_image(project, run, bundle)


def input_widget(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    """Show an image upload, the model input and the prediction; returns the prediction. Many images make a table."""
    prediction = _predict_upload(project, bundle)
    if project.task.name == "classification":
        batch.show_photo_batch(project, bundle)
    return prediction


def _predict_upload(project: Project, bundle: Bundle) -> dict[str, Any] | None:
    is_color = bundle.preprocessing.get("channels") == 3
    how = (
        "The image is center-cropped and resized to the model's input"
        if is_color
        else "Best with one object on a plain background. The image is converted to grayscale, cropped and resized to "
        "the model's input"
    )
    st.caption(f"{how}, shown below. It is not stored.")
    payload = upload_image(project)
    if payload is None:
        return None
    prediction = predict_payload(project, bundle, payload)
    if prediction is None:
        return None
    left, right = st.columns([1, 2], gap="large")
    with left:
        samples.show_images(
            [np.array(prediction["pixels"], dtype=np.uint8)], ["model input"], alt="Your image", width=224
        )
    with right:
        show_prediction(prediction, bundle)
    offer_networks(project, payload)
    return prediction


def _show_dataset(config: RunConfig) -> None:
    _show_source(config.dataset)
    dataset = samples.load_run_images(config)
    _show_class_counts(dataset)
    describe_duplicates(dataset)
    _show_rejected(_list_rejected(config.dataset, dataset))
    _show_samples(dataset)
    _show_augmentation(dataset, config)


def _show_source(name: str) -> None:
    if custom_registry.is_custom(name):
        entry = custom_registry.require(name, "images")
        st.markdown(f"**{entry.name}**, custom dataset: {entry.rows:,} images from {as_text(entry.source)}.")
        return
    source = sources.get_dataset(name)
    where = f"[Source]({source.homepage})" if source.homepage else "No home page"
    st.markdown(f"**{source.title}**: {source.rows:,} images. {where}; license: {source.license}.")


def _show_class_counts(dataset: images.Images) -> None:
    counts = np.stack(
        [np.bincount(part, minlength=len(dataset.names)) for part in (dataset.labels, dataset.test_labels)]
    )
    height, width = dataset.pixels.shape[1:3]
    kind = "RGB," if dataset.channels == 3 else "grayscale,"
    st.caption(
        f"{len(dataset.labels):,} training and {len(dataset.test_labels):,} test images, {height} x "
        f"{width} pixels, {kind} from 0 (dark) to 255 (bright). A share of the training images is used for validation."
    )
    figure = plots.class_counts(counts, ("training", "test"), _class_titles(dataset))
    total = counts.sum(axis=0)
    show_figure(figure, key="class-counts", alt=f"{total.min():,} to {total.max():,} images per class")


def _class_titles(dataset: images.Images) -> tuple[str, ...]:
    """Return class names for display."""
    return tuple(name.replace("_", " ") for name in dataset.names)


def describe_duplicates(dataset: images.Images) -> None:
    """Show the number of duplicates and how splits handle them."""
    near = "" if dataset.near is None else f" and **{dataset.near:,}** near-duplicates"
    exact = "1 image is" if dataset.exact == 1 else f"{dataset.exact:,} images are"
    text = f"**Duplicates:** {exact} exact duplicates{near}. "
    if not dataset.exact and not dataset.near:
        finding = "no exact duplicates" + ("" if dataset.near is None else " or near-duplicates")
        text = f"**Duplicates:** {finding}. "
    else:
        text += "Duplicates stay in one split, so no test image is in training. "
    if dataset.near is None:
        text += "Near-duplicates are not searched in images this small. "
    crossing = int(dataset.also_in_test.sum())
    if crossing:
        text += f"{crossing:,} training images are also in the test split: runs exclude them. "
    if dataset.conflicts:
        text += f"{dataset.conflicts:,} groups have different labels."
    st.markdown(text)
    numbers, counts = np.unique(dataset.groups, return_counts=True)
    groups = numbers[counts > 1][:MAX_GROUPS]
    if len(groups):
        with st.expander("Examples", icon=":material/filter_none:"):
            for group in groups:
                rows = np.flatnonzero(dataset.groups == group)[:MAX_DUPLICATES]
                texts = [f"{_class_titles(dataset)[dataset.labels[row]]}, row {row:,}" for row in rows]
                samples.show_images([dataset.pixels[row] for row in rows], texts, alt="Duplicate", width=104)


def _list_rejected(name: str, dataset: images.Images) -> Sequence[RejectedFile]:
    """Return rejected and converted files; for a custom dataset, those of its import."""
    if custom_registry.is_custom(name):
        return custom_images.list_rejected(custom_registry.require(name, "images"))
    return dataset.rejected


def _show_rejected(remarks: Sequence[RejectedFile]) -> None:
    rejected = [remark for remark in remarks if not remark.used]
    converted = [remark for remark in remarks if remark.used]
    if not remarks:
        return
    files = "1 file" if len(rejected) == 1 else f"{len(rejected):,} files"
    with st.expander(f"{files} rejected, {len(converted):,} converted", icon=":material/report:"):
        st.dataframe(
            {
                "File": [remark.name for remark in [*rejected, *converted]],
                "Reason": [remark.reason for remark in [*rejected, *converted]],
            },
            hide_index=True,
            width="stretch",
        )


def _show_samples(dataset: images.Images) -> None:
    st.subheader("Samples", anchor=False)
    per_class = max(1, min(SAMPLES_PER_CLASS, MAX_SAMPLES // len(dataset.names)))
    rows = np.concatenate(
        [np.flatnonzero(dataset.labels == k)[:per_class] for k in range(min(len(dataset.names), MAX_SAMPLES))]
    )
    names = [_class_titles(dataset)[k] for k in dataset.labels[rows]]
    samples.show_images([dataset.pixels[row] for row in rows], names, alt="Training image", width=104)


def _show_augmentation(dataset: images.Images, config: RunConfig) -> None:
    """Show augmented versions of one training image."""
    options = config.data_options
    if not isinstance(options, vision_images.ImageData):
        return
    st.subheader("Augmentation", anchor=False)
    augmentation = vision_images.augmentation(options, config.dataset)
    active = [word for name, word in AUGMENTATIONS.items() if getattr(augmentation, name)]
    row = int(np.flatnonzero(dataset.labels == 0)[0])
    versions = _augmented_versions(config.dataset, row, options.side, augmentation)
    st.caption(
        f"Each epoch uses another random version ({', '.join(active)}). Validation and test images are unchanged."
        if active
        else "No augmentation."
    )
    samples.show_images(versions, [f"epoch {i + 1}" for i in range(len(versions))], alt="Augmented image", width=104)


@cache_data(max_entries=16, show_spinner=False)
def _augmented_versions(dataset: str, row: int, side: int, how: Augmentation) -> list[np.ndarray]:
    import torch

    images_of_dataset = samples.load_images(dataset)
    image = images.resize(np.asarray(images_of_dataset.pixels[row : row + 1]), side)
    batch = torch.from_numpy(image.copy()).repeat(VERSIONS, *[1] * (image.ndim - 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        channels = images_of_dataset.channels
        (augmented,) = ImageTransform([0.0] * channels, [1.0] * channels, how)((batch,), True)
    pixels = (augmented.permute(0, 2, 3, 1) * 255).clamp(0, 255).byte().numpy()
    return [version[..., 0] if channels == 1 else version for version in pixels]
