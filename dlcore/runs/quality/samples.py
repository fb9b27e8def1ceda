"""The samples of a run: rows, labels and contents of all splits, prepared as for training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.core.errors import RequestError
from dlcore.data.splits import SPLITS, Prepared

BRIGHTEST = 255.0


@dataclass(frozen=True)
class RunSamples:
    """All N samples of a run: training, then validation, then test.

    `parts` (N,) are indices into `SPLITS`, `ids` (N,) row numbers of the source, `labels` (N,) class numbers.
    `images` are the uint8 images (N, H, W[, 3]) or `texts` the complete texts, the other is None.
    """

    parts: np.ndarray
    ids: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    images: np.ndarray | None = None
    texts: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def is_test(self) -> np.ndarray:
        """Mask (N,) of test samples."""
        return np.asarray(self.parts == SPLITS.index("test"))

    @property
    def properties(self) -> dict[str, np.ndarray]:
        """Properties (N,) that may explain errors: words of a text; brightness and contrast of an image, 0 to 1."""
        if self.texts is not None:
            return {"words": np.array([text.count(" ") + 1 for text in self.texts], np.float64)}
        assert self.images is not None
        axes = tuple(range(1, self.images.ndim))
        values = {"brightness": self.images.mean(axis=axes, dtype=np.float32)}
        values["contrast"] = self.images.std(axis=axes, dtype=np.float32)
        return {name: value.astype(np.float64) / BRIGHTEST for name, value in values.items()}


def collect_samples(prepared: Prepared) -> RunSamples:
    """Return the samples of prepared data.

    Raises:
        RequestError: the inputs are neither images nor texts.
    """
    splits = [prepared.split(name) for name in SPLITS]
    common: dict[str, Any] = {
        "parts": np.repeat(np.arange(len(SPLITS)), [len(split) for split in splits]),
        "ids": np.concatenate([split.ids for split in splits]),
        "labels": np.concatenate([split.targets.cpu().numpy() for split in splits]),
        "names": tuple(prepared.labels),
    }
    if "texts" in prepared.source:
        return RunSamples(**common, texts=[text for name in SPLITS for text in prepared.source["texts"][name]])
    inputs = [split.inputs[0].cpu().numpy() for split in splits]
    if "images" in prepared.source:  # inputs are features
        data = prepared.source["images"]
        inputs = [data.pixels[splits[0].ids], data.pixels[splits[1].ids], data.test_pixels[splits[2].ids]]
    if inputs[0].dtype != np.uint8 or inputs[0].ndim < 3:
        raise RequestError("data quality is checked for classifiers of images and texts: choose such a run.")
    return RunSamples(**common, images=np.concatenate(inputs))
