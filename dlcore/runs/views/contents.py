"""Images and texts of a run's samples by row number, where its dataset is on this machine."""

from collections.abc import Sequence

import numpy as np

from dlcore.core.errors import WorkbenchError
from dlcore.data.custom import registry as custom_registry
from dlcore.data.custom import texts as custom_texts
from dlcore.data.images import images
from dlcore.data.sources import locate as sources
from dlcore.data.text import corpora
from dlcore.projects.run_config import RunConfig


def load_images(config: RunConfig) -> images.Images | None:
    """Return all images of a run's dataset at the size the run uses; None if they are not on this machine.

    Raises:
        DataError: a custom dataset was removed or has changed.
    """
    is_custom = custom_registry.is_custom(config.dataset)
    if not is_custom and not sources.is_available(config.dataset):
        return None
    side = max(images.SIDE, int(config.flat.get("side", 0)))
    return images.load(config.dataset, side=side, checksum=config.data_checksum if is_custom else "")


def load_texts(config: RunConfig, ids: Sequence[int] | np.ndarray) -> list[str]:
    """Return the texts at row numbers `ids` of a run's dataset; empty for missing ones.

    Raises:
        DataMissingError: the dataset is not on this machine.
    """
    load = custom_texts.load if custom_registry.is_custom(config.dataset) else corpora.load
    data = load(config.dataset)
    index = {int(row): i for i, row in enumerate(data.rows)}
    return [data.texts[index[int(row)]] if int(row) in index else "" for row in ids]


def training_contents(config: RunConfig, ids: np.ndarray, *, modality: str) -> np.ndarray | list[str] | None:
    """Return the images (N, H, W[, 3]) or texts of training or validation rows; None if they are not on this machine,
    or of another modality."""
    try:
        if modality == "text":
            return load_texts(config, ids)
        data = load_images(config) if modality == "image" else None
        return None if data is None else np.asarray(data.pixels[ids])
    except (WorkbenchError, IndexError):  # removed, or replaced by another version
        return None
