"""Samples of a classifier's dataset by row number, cached for all sessions."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.custom import registry as custom_registry
from dlcore.data.custom import texts as custom_texts
from dlcore.data.images import images, thumbnails
from dlcore.data.sources import locate as sources
from dlcore.data.text import corpora as text
from dlcore.projects.project import RunConfig
from dlcore.ui.shell.cache import cache_data, cache_resource


@cache_resource(max_entries=4, show_spinner="Loading images")
def load_images(dataset: str, side: int = images.SIDE, checksum: str = "") -> images.Images:
    """Return all images of a dataset, memory-mapped if possible; images in class folders are resized to `side` pixels.

    Raises:
        DataError: it is not available, or a custom dataset has another `checksum`.
    """
    return images.load(dataset, side=side, checksum=checksum)


def load_run_images(config: RunConfig) -> images.Images:
    """Return all images of a run's dataset, at the size the run uses."""
    side = max(images.SIDE, int(config.flat.get("side", 0)))
    return load_images(config.dataset, side, config.data_checksum if custom_registry.is_custom(config.dataset) else "")


def is_available(config: RunConfig) -> bool:
    """Return whether the samples of a run's dataset are available."""
    if not custom_registry.is_custom(config.dataset):
        return sources.is_available(config.dataset)
    entry = custom_registry.find(config.dataset)
    return entry is not None and config.data_checksum in ("", entry.checksum)


def has_test_images(config: RunConfig) -> bool:
    """Return whether test images of a run's dataset can be shown: all of them, or those that ship."""
    return is_available(config) or thumbnails.find(config.dataset) is not None


def find_test_images(config: RunConfig, rows: Sequence[int]) -> list[np.ndarray | None]:
    """Return the test images (H, W) or (H, W, 3) at these rows of the test split; None where one is not available."""
    if is_available(config):
        pixels = load_run_images(config).test_pixels
        return [np.asarray(pixels[row]) for row in rows]
    shipped = thumbnails.find(config.dataset)
    return [shipped.image(row) if shipped is not None and row in shipped.rows else None for row in rows]


def get_test_image(config: RunConfig, row: int) -> np.ndarray:
    """Return the test image at a row of the test split.

    Raises:
        DataMissingError: it is not available.
    """
    return get_labeled_test_image(config, row)[0]


def get_labeled_test_image(config: RunConfig, row: int) -> tuple[np.ndarray, int]:
    """Return the test image at a row of the test split, and its class number.

    Raises:
        DataMissingError: it is not available.
    """
    if not is_available(config):
        return thumbnails.require_image(config.dataset, row)
    data = load_run_images(config)
    return np.asarray(data.test_pixels[row]), int(data.test_labels[row])


def shipped_positions(dataset: str, ids: np.ndarray) -> np.ndarray | None:
    """Return the indices of the test rows `ids` (N,) whose images ship; None if the whole dataset is available."""
    if custom_registry.is_custom(dataset) or sources.is_available(dataset):
        return None
    shipped = thumbnails.find(dataset)
    return None if shipped is None else np.flatnonzero(np.isin(ids, shipped.rows))


def describe_shipped(dataset: str, total: int) -> str:
    """Return which test images of a missing dataset are shown, and their license, as a sentence."""
    shipped, source = thumbnails.find(dataset), sources.get_dataset(dataset)
    count = 0 if shipped is None else len(shipped.rows)
    return (
        f"{count:,} of {total:,} test images come with the app, confident errors among them ({source.title}, license: "
        f"{source.license}). Download all under Data."
    )


GONE = "The text of this sample is not available: the dataset was removed or replaced."


def load_texts(dataset: str) -> text.TextDataset:
    """Return all texts of a dataset."""
    return _texts(dataset, dataset_version(dataset))


def dataset_version(dataset: str) -> str:
    """Return a cache key: the checksum of a custom dataset, "" for built-in ones."""
    entry = custom_registry.find(dataset) if custom_registry.is_custom(dataset) else None
    return entry.checksum if entry else ""


@cache_resource(max_entries=2, show_spinner="Loading texts")
def _texts(dataset: str, version: str) -> text.TextDataset:
    return custom_texts.load(dataset) if custom_registry.is_custom(dataset) else text.load(dataset)


@cache_resource(max_entries=2, show_spinner=False)
def _indices_by_row(dataset: str, version: str) -> dict[int, int]:
    return {int(row): index for index, row in enumerate(load_texts(dataset).rows)}


def get_text(dataset: str, row: int) -> str:
    """Return the text at a row of the source; empty if there is none."""
    index = _indices_by_row(dataset, dataset_version(dataset)).get(row)
    return "" if index is None else load_texts(dataset).texts[index]


def shortest_text(dataset: str, ids: np.ndarray, *, among: int = 200, least: int = 8) -> int:
    """Return the index of the shortest of the first `among` texts with at least `least` words, rows `ids` (N,)."""
    texts = [get_text(dataset, int(row)) for row in ids[:among]]
    candidates = [words if words.count(" ") + 1 >= least else "" for words in texts]
    return int(np.argmin([len(words) or 10**9 for words in (candidates if any(candidates) else texts)]))


def word_counts(dataset: str) -> np.ndarray:
    """Return the number of words of every text (N,), split at spaces."""
    return _word_counts(dataset, dataset_version(dataset))


@cache_data(max_entries=2, show_spinner=False)
def _word_counts(dataset: str, version: str) -> np.ndarray:
    return np.array([words.count(" ") + 1 for words in load_texts(dataset).texts], dtype=np.int32)


def enlarge(image: np.ndarray, *, side: int = 112) -> np.ndarray:
    """Return a small image (H, W) or (H, W, 3) enlarged by whole pixels, so that the browser does not blur it.

    Large images are resized to twice `side` for high-resolution screens.
    """
    image = shrink(image, side=2 * side)
    factor = max(1, side // image.shape[0])
    return image.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)


def shrink(image: np.ndarray, *, side: int) -> np.ndarray:
    """Return an image (H, W) or (H, W, 3), resized to `side` pixels if it is larger."""
    return images.resize(image[None], side)[0] if min(image.shape[:2]) > side else image


def show_images(values: Sequence[np.ndarray], captions: Sequence[str], *, alt: str, width: int = 112) -> None:
    """Draw images in a row that wraps, each with its caption."""
    with st.container(horizontal=True, gap="small"):
        for image, caption in zip(values, captions, strict=True):
            with st.container(width=width):
                st.image(
                    enlarge(image, side=max(width, 112)),
                    caption=as_text(caption),
                    width=width,
                    alt=f"{alt}: {caption}",
                )
