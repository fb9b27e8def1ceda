"""Features of a pretrained backbone, computed once per dataset and cached for later runs."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from dlcore.core import progress
from dlcore.data.images import array_cache, images
from dlcore.data.images.images import Images
from dlcore.data.sources import weights
from dlcore.inference.predict import evaluation_mode
from dlcore.models.transfer import Backbone, TransferConfig, TransferNet

VIEWS = 2
"""The image and its mirror image."""
AT_ONCE = 16
_VERSION = 1


def compute_features(dataset: Images, *, backbone: Backbone, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Memory-mapped features (N, V, F) float32 of the training and of the test images.

    Raises:
        DataMissingError: the backbone's weights are not on this machine.
    """
    carried = weights.load(backbone)
    text = f"{_VERSION} {dataset.checksum} {weights.WEIGHTS[backbone].digits} {side} {VIEWS}"
    key = hashlib.sha256(text.encode()).hexdigest()
    network = TransferNet(TransferConfig(train="head"), backbone=backbone, classes=2)
    network.load_pretrained(carried)

    def make(draft: Path) -> None:
        total, done = len(dataset.pixels) + len(dataset.test_pixels), 0
        for name, pixels in (("learn", dataset.pixels), ("test", dataset.test_pixels)):
            memmap = np.lib.format.open_memmap(
                draft / f"{name}.npy", mode="w+", dtype=np.float32, shape=(len(pixels), VIEWS, network.width)
            )
            for rows, values in _computed(network, pixels, side, weights.WEIGHTS[backbone]):
                memmap[rows] = values
                done += len(values)
                progress.report("Computing image features (cached)", done, total)
            memmap.flush()

    place = array_cache.get_or_create(f"features-{backbone}", key, make)
    return array_cache.load(place / "learn.npy"), array_cache.load(place / "test.npy")


def _computed(
    network: TransferNet, pixels: np.ndarray, side: int, entry: weights.PretrainedWeights
) -> Iterator[tuple[slice, np.ndarray]]:
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (entry.mean, entry.std))
    with evaluation_mode(network):
        for start in range(0, len(pixels), AT_ONCE):
            rows = slice(start, min(start + AT_ONCE, len(pixels)))
            few = torch.from_numpy(np.array(images.resize(pixels[rows], side))).permute(0, 3, 1, 2)
            x = ((few.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
            views = [network.features(x), network.features(x.flip(-1))]
            yield rows, torch.stack(views, dim=1).numpy()
