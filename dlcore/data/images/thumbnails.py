"""Test images that ship with the package: at most 200 of a dataset whose license allows it, named by their row.

They stand in for the test split where the dataset is not on this machine; `tests/draw_thumbnails.py` writes the files.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from dlcore.core import settings
from dlcore.core.errors import DataMissingError
from dlcore.data.images import images
from dlcore.data.sources import locate as sources

FOLDER = settings.ASSETS / "thumbnails"


@dataclass(frozen=True)
class ShippedImages:
    """Some test images of a dataset: `rows` (M,) ascending rows of its test split, pixels (M, H, W), labels (M,)."""

    rows: np.ndarray
    pixels: np.ndarray
    labels: np.ndarray

    def image(self, row: int) -> np.ndarray:
        """Return the pixels (H, W) uint8 of a row of the test split.

        Raises:
            KeyError: It is not among them.
        """
        return np.asarray(self.pixels[self._at(row)])

    def label(self, row: int) -> int:
        """Return the class number of a row of the test split."""
        return int(self.labels[self._at(row)])

    def _at(self, row: int) -> int:
        at = int(np.searchsorted(self.rows, row))
        if at == len(self.rows) or self.rows[at] != row:
            raise KeyError(row)
        return at


def list_datasets() -> list[str]:
    """Return the datasets with thumbnails."""
    return sorted(path.stem for path in FOLDER.glob("*.npz"))


def find(dataset: str) -> ShippedImages | None:
    """Return the test images that ship of a dataset; None if there are none."""
    return _load(dataset) if (FOLDER / f"{dataset}.npz").is_file() else None


def require_image(dataset: str, row: int) -> tuple[np.ndarray, int]:
    """Return pixels and class number of a row of the test split, of the dataset or of its thumbnails.

    Raises:
        DataMissingError: The dataset is not on this machine, and the image does not ship.
    """
    if sources.is_available(dataset):
        data = images.load(dataset)
        return np.asarray(data.test_pixels[row]), int(data.test_labels[row])
    shipped = find(dataset)
    if shipped is None or row not in shipped.rows:
        sources.require(dataset)
        raise DataMissingError(dataset, f"test image {row:,} of {dataset} is not on this machine.")
    return shipped.image(row), shipped.label(row)


@cache
def _load(dataset: str) -> ShippedImages:
    with np.load(FOLDER / f"{dataset}.npz", allow_pickle=False) as stored:
        return ShippedImages(stored["rows"].astype(np.int64), stored["pixels"], stored["labels"].astype(np.int64))
