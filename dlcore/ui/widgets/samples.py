"""Samples of a classifier's dataset by row number, cached for all sessions."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from dlcore.core.markdown import as_text
from dlcore.data.custom import registry as custom_registry
from dlcore.data.custom import texts as custom_texts
from dlcore.data.images import images
from dlcore.data.sources import locate as sources
from dlcore.data.text import corpora as text
from dlcore.projects.project import RunConfig


@st.cache_resource(max_entries=4, show_spinner="Loading images")
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


GONE = "The text of this sample is not available: the dataset was removed or replaced."


def load_texts(dataset: str) -> text.TextDataset:
    """Return all texts of a dataset."""
    return _texts(dataset, dataset_version(dataset))


def dataset_version(dataset: str) -> str:
    """Return a cache key: the checksum of a custom dataset, "" for built-in ones."""
    entry = custom_registry.find(dataset) if custom_registry.is_custom(dataset) else None
    return entry.checksum if entry else ""


@st.cache_resource(max_entries=2, show_spinner="Loading texts")
def _texts(dataset: str, version: str) -> text.TextDataset:
    return custom_texts.load(dataset) if custom_registry.is_custom(dataset) else text.load(dataset)


@st.cache_resource(max_entries=2, show_spinner=False)
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


@st.cache_data(max_entries=2, show_spinner=False)
def _word_counts(dataset: str, version: str) -> np.ndarray:
    return np.array([words.count(" ") + 1 for words in load_texts(dataset).texts], dtype=np.int32)


def enlarge(image: np.ndarray, *, side: int = 112) -> np.ndarray:
    """Return a small image (H, W) or (H, W, 3) enlarged by whole pixels, so that the browser does not blur it.

    Large images are resized to twice `side` for high-resolution screens.
    """
    if min(image.shape[:2]) > 2 * side:
        image = images.resize(image[None], 2 * side)[0]
    factor = max(1, side // image.shape[0])
    return image.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)


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
