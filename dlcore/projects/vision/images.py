"""What projects that sort pictures share: data of any image set cut into parts, augmentation, baselines, one answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from dlcore.core.config import Config, choice, number, parse
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform
from dlcore.data.images.duplicates import grouped_stratified_split
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_sample
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import linear
from dlcore.inference import predict as inference
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel, RunConfig

NEVER_MIRRORED = ("digits", "mnist")
"""A mirrored two is no two."""
BASELINE_SIDE, BASELINE_ROWS = 16, 10_000
"""Simple methods see the pictures this small, and so many of them: enough to say what is easy."""


class ImageData(Config):
    """How pictures are brought to size, cut into parts, and changed in training."""

    side: int = number(64, low=32, high=256, unit="pixels", help="Height and width that every picture is brought to.")
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="pictures", help="Training pictures used, each class at its share; 0 uses all."
    )
    validation_share: float = number(0.1, low=0.02, high=0.5, help="Share of the training pictures to validate on.")
    flip: bool = choice(True, help="Mirror every second training picture, left and right; digits never are.")
    shift: int = number(0, low=0, high=64, unit="pixels", help="Training pictures move by up to so much.")
    cutout: int = number(
        0, low=0, high=128, unit="pixels", help="Side of a square hidden in each training picture; 0 hides nothing."
    )
    jitter: float = number(0.0, low=0.0, high=0.9, help="Brightness and contrast of training pictures vary by so much.")


def prepare(config: RunConfig) -> Prepared:
    """The set's own test part as it is, or the one drawn once; the rest cut by the seed into training and validation.

    Every class at its share; pictures that are the same or nearly so stay together, and those that the test part holds
    too are not learnt from. Mean and spread of each channel are the training part's.
    """
    options = parse(ImageData, config.data_options)
    found = images.load(config.dataset, side=max(images.SIDE, options.side), checksum=config.data_checksum)
    rows = np.flatnonzero(~found.also_in_test)
    rest, held = grouped_stratified_split(
        found.labels[rows], found.groups[rows], options.validation_share, seed=config.seed
    )
    train, validation = rows[rest], rows[held]
    train = train[stratified_sample(found.labels[train], options.train_rows, seed=config.seed)]
    split = _split(found.pixels, found.labels, train, options.side)
    seen = split.inputs[0].numpy()
    scale = images.channel_mean_and_std(seen if seen.ndim == 4 else seen[..., None])
    return Prepared(
        train=split,
        validation=_split(found.pixels, found.labels, validation, options.side),
        test=_split(found.test_pixels, found.test_labels, np.arange(len(found.test_labels)), options.side),
        facts={"channels": found.channels, "height": options.side, "width": options.side, "classes": len(found.names)},
        preprocessing={"kind": "picture", "channels": found.channels, "side": options.side, **scale},
        labels=found.names,
        checksum=found.checksum,
        transform=ImageTransform(scale["mean"], scale["std"], augmentation(options, config.dataset)),
    )


def augmentation(options: ImageData, dataset: str) -> Augmentation:
    """How the dataset's training pictures are changed."""
    flip = options.flip and dataset not in NEVER_MIRRORED
    return Augmentation(shift=options.shift, flip=flip, cutout=options.cutout, jitter=options.jitter)


def _split(pixels: np.ndarray, labels: np.ndarray, rows: np.ndarray, side: int) -> Split:
    small = images.resize(pixels[rows], side)
    return Split((torch.from_numpy(small),), torch.from_numpy(labels[rows]), rows.astype(np.int64))


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, nearest class mean and logistic regression on pictures of 16 x 16 pixels."""
    rows = stratified_sample(prepared.train.targets.numpy(), BASELINE_ROWS, seed=config.seed)
    train = images.resize(prepared.train.inputs[0].numpy()[rows], BASELINE_SIDE).astype(np.float32) / 255
    test = images.resize(prepared.test.inputs[0].numpy(), BASELINE_SIDE).astype(np.float32) / 255
    return simple_baselines(prepared, train, prepared.train.targets.numpy()[rows], test)


def simple_baselines(
    prepared: Prepared, train: np.ndarray, targets: np.ndarray, test: np.ndarray
) -> dict[str, dict[str, float]]:
    """What simple methods get right of the pictures test (M, ...) once fitted on train (N, ...), targets (N,)."""
    truth, classes = prepared.test.targets.numpy(), prepared.facts["classes"]
    centroid = simple.nearest_centroid(train, targets, test, classes=classes)
    regression = linear.logistic_regression(train, targets, test, classes=classes)
    return {
        "majority": classification.majority_class(prepared),
        "nearest_centroid": classification.compute_metrics(centroid, truth),
        "logistic_regression": classification.compute_metrics(regression, truth),
    }


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """What a picture's file shows: the likeliest label, every label's probability, and the picture as the model saw it.

    Raises:
        DataError: the file is not a picture that can be read.
    """
    pixels = read_model_image(payload, loaded.preprocessing)
    scores = inference.forward_batch(
        loaded.module, torch.from_numpy(images.to_model_input(pixels, loaded.preprocessing)[None])
    )
    return classification.classify_image(loaded, scores, pixels)


def read_model_image(payload: bytes, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """An image file as (H, W) or (H, W, 3) uint8, of the size and colors that the model was trained on.

    Raises:
        DataError: the file is not an image that can be read.
    """
    if "side" not in preprocessing:
        return images.read_gray(payload, height=int(preprocessing["height"]), width=int(preprocessing["width"]))
    side = int(preprocessing["side"])
    if preprocessing["channels"] == 1:
        return images.read_gray(payload, height=side, width=side)
    return images.read_rgb(payload, side=side).pixels
