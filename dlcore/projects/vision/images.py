"""Shared by image classifiers: splits, augmentation, baselines and prediction."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number
from dlcore.data.custom.versions import find_base
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, ImageTransform, growing_sides
from dlcore.data.images.duplicates import grouped_stratified_split
from dlcore.data.images.hog import hog
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_folds, stratified_sample
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import linear
from dlcore.projects import classification
from dlcore.projects.project import Evaluation, LoadedModel, Predictions, UsableBaseline
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.training.fit import Objective

NEVER_MIRRORED = ("digits", "mnist")
"""Datasets without horizontal flip."""
BASELINE_SIDE, BASELINE_ROWS = 16, 10_000
"""Image side and number of images for baselines."""
HOG_PENALTY = 0.03
"""Inverse penalty of the support vector machine on HOG, chosen on validation images."""


class ImageData(Config):
    """Image size, splits and augmentation."""

    side: int = number(64, low=32, high=256, unit="pixels", help="Height and width of the input images.")
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="images", help="Training images used, stratified; 0 uses all."
    )
    validation_share: float = number(0.1, low=0.02, high=0.5, help="Validation share of the training images.")
    flip: bool = choice(True, help="Random horizontal flip in training; never for digits.")
    shift: int = number(0, low=0, high=64, unit="pixels", help="Random shift in training, at most.")
    cutout: int = number(
        0, low=0, high=128, unit="pixels", help="Side of a random square masked in training (cutout); 0: none."
    )
    color_jitter: float = number(0.0, low=0.0, high=0.9, help="Random change of brightness and contrast in training.")
    first_side: int = number(
        0,
        low=0,
        high=256,
        unit="pixels",
        help="Progressive resizing: side of the training images in the first third of the epochs; the last third has "
        "`side`. 0: all have it.",
    )
    label_smoothing: float = number(
        0.0, low=0.0, high=0.5, help="Target probability spread over all classes; validation has none."
    )
    average_flips: bool = choice(
        False,
        help="Also test on the mean probability of each image and its mirror image, reported beside the normal test.",
    )
    folds: int = number(
        0, low=0, high=10, help="Folds of a cross-validation beside the test score, for small datasets; 0: none."
    )
    fold: int = number(0, low=0, high=10, help="The fold that is the test part; 0: the usual test part.")


def prepare(config: RunConfig) -> Prepared:
    """Official or fixed test split; the rest is split into training and validation by the seed, unless the dataset has
    a validation part.

    Stratified; near-duplicates stay in one split, and copies of test images are excluded from training. Channel mean
    and standard deviation come from the training split.
    """
    options = config.data_as(ImageData)
    data = images.load(config.dataset, side=max(images.SIDE, options.side), checksum=config.data_checksum)
    share, fold = options.validation_share, (options.fold, options.folds)
    train, validation, test_rows = split_rows(data, share, fold=fold, seed=config.seed)
    train = train[stratified_sample(data.labels[train], options.train_rows, seed=config.seed)]
    split = _split(data.pixels, data.labels, train, options.side)
    values = split.inputs[0].numpy()
    scale = images.channel_mean_and_std(values if values.ndim == 4 else values[..., None])
    return Prepared(
        train=split,
        validation=_split(data.pixels, data.labels, validation, options.side),
        test=_split(data.pixels, data.labels, test_rows, options.side)
        if options.fold
        else _split(data.test_pixels, data.test_labels, np.arange(len(data.test_labels)), options.side),
        facts={"channels": data.channels, "height": options.side, "width": options.side, "classes": len(data.names)},
        preprocessing={"kind": "picture", "channels": data.channels, "side": options.side, **scale},
        labels=data.names,
        checksum=data.checksum,
        transform=ImageTransform(
            scale["mean"], scale["std"], augmentation(options, config.dataset, epochs=config.training.epochs)
        ),
    )


def split_rows(
    data: images.Images, validation_share: float, *, fold: tuple[int, int], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of training, validation and, of a fold, test images; duplicates stay together.

    fold: (number from 1 on, number of folds) of the images outside the test part. Number 0: none, and no test rows.
    """
    number, folds = fold
    if not number:
        return *data.split_rows(validation_share, seed=seed), np.zeros(0, np.int64)
    rows = data.usable_rows
    groups, first = np.unique(data.groups[rows], return_index=True)
    numbers = stratified_folds(data.labels[rows][first], max(2, folds))[np.searchsorted(groups, data.groups[rows])]
    left, test = rows[numbers != number], rows[numbers == number]
    parts = grouped_stratified_split(data.labels[left], data.groups[left], validation_share, seed=seed)
    return left[parts[0]], left[parts[1]], test


def augmentation(options: ImageData, dataset: str, *, epochs: int = 0) -> Augmentation:
    """The augmentation for a dataset; `epochs` of the training, which progressive resizing needs."""
    return Augmentation(
        shift=options.shift,
        flip=options.flip and find_base(dataset) not in NEVER_MIRRORED,
        cutout=options.cutout,
        jitter=options.color_jitter,
        sides=growing_sides(options.first_side, options.side, epochs) if options.first_side and epochs else (),
    )


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy with label smoothing, and which predictions are correct."""
    loss = partial(functional.cross_entropy, label_smoothing=config.data_as(ImageData).label_smoothing)
    return replace(classification.objective(config, prepared), loss=loss)


MIRRORED = "with mirror images"
"""Name of the metrics of flip averaging among the parts of an evaluation."""


def predict(module: nn.Module, prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Predictions of a classifier; with `average_flips` also the mean probabilities (N, K) of each test image and its
    mirror image, as `test_mirrored_scores`."""
    predictions = classification.predict(module, prepared, config)
    if not config.data_as(ImageData).average_flips:
        return predictions
    test = prepared.test
    mirrored = replace(test, inputs=(test.inputs[0].flip(2),))  # (N, H, W[, C])
    scores, _ = classification.logits(module, replace(prepared, test=mirrored), "test")
    both = (predictions["test_scores"] + scores.softmax(dim=1).numpy()) / 2
    return {**predictions, "test_mirrored_scores": both}


def evaluate(predictions: Predictions, threshold: float | None, config: RunConfig) -> Evaluation:
    """Metrics of a classifier, and apart from them those of the mean over each image and its mirror image."""
    evaluation = classification.evaluate(predictions, threshold, config)
    scores = predictions.get("test_mirrored_scores")
    if scores is None:
        return evaluation
    metrics = classification.compute_metrics(
        scores, predictions["test_targets"], threshold=evaluation.threshold, draws=classification.DRAWS
    )
    return replace(evaluation, parts={**evaluation.parts, MIRRORED: metrics})


IMAGE_CLASSIFICATION = replace(CLASSIFICATION, objective=objective, predict=predict, evaluate=evaluate)


def _split(pixels: np.ndarray, labels: np.ndarray, rows: np.ndarray, side: int) -> Split:
    small = images.resize(pixels[rows], side)
    return Split((torch.from_numpy(small),), torch.from_numpy(labels[rows]), rows.astype(np.int64))


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, nearest class mean and logistic regression on images of 16 x 16 pixels."""
    train, targets = _baseline_samples(prepared, config)
    return simple_baselines(prepared, train, targets, _shrink(prepared.test.inputs[0].numpy()))


def _baseline_samples(prepared: Prepared, config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
    """Small training images (N, ...) and class numbers (N,) that baselines are fitted on."""
    rows = stratified_sample(prepared.train.targets.numpy(), BASELINE_ROWS, seed=config.seed)
    return _shrink(prepared.train.inputs[0].numpy()[rows]), prepared.train.targets.numpy()[rows]


def _shrink(pixels: np.ndarray) -> np.ndarray:
    """Images (N, 16, 16, ...) from 0 to 1."""
    return images.resize(pixels, BASELINE_SIDE).astype(np.float32) / 255


def fit_logistic_regression(prepared: Prepared, config: RunConfig) -> dict[str, np.ndarray]:
    """Arrays of logistic regression on images of 16 x 16 pixels."""
    train, targets = _baseline_samples(prepared, config)
    return linear.LogisticRegression.fit(train, targets, classes=prepared.facts["classes"]).as_arrays()


def answer_with_logistic_regression(
    loaded: LoadedModel, arrays: Mapping[str, np.ndarray], payload: bytes
) -> dict[str, Any]:
    """Like `answer`, by logistic regression on 16 x 16 pixels.

    Raises:
        DataError: the file is not a readable image, or the arrays are damaged.
    """
    pixels = read_model_image(payload, loaded.preprocessing)
    small = _shrink(pixels[None])
    model = linear.LogisticRegression.from_arrays(arrays, size=small.size, classes=len(loaded.labels))
    logits = torch.from_numpy(model.predict(small)).clamp(min=1e-12).log()
    answered = classification.describe_prediction(logits, labels=loaded.labels, threshold=None, rule=None)
    return {**answered, "pixels": pixels.tolist()}


USABLE_BASELINES = {"logistic_regression": UsableBaseline(fit_logistic_regression, answer_with_logistic_regression)}


def simple_baselines(
    prepared: Prepared, train: np.ndarray, targets: np.ndarray, test: np.ndarray
) -> dict[str, dict[str, float]]:
    """Metrics of baselines fitted on train (N, ...), targets (N,), for images test (M, ...)."""
    truth, classes = prepared.test.targets.numpy(), prepared.facts["classes"]
    centroid = simple.nearest_centroid(train, targets, test, classes=classes)
    regression = linear.logistic_regression(train, targets, test, classes=classes)
    named = {
        "majority": classification.majority_class(prepared),
        "nearest_centroid": classification.compute_metrics(centroid, truth),
        "logistic_regression": classification.compute_metrics(regression, truth),
    }
    if train.ndim == 3:  # gray
        machine = linear.linear_svm(hog(train), targets, hog(test), classes=classes, inverse_penalty=HOG_PENALTY)
        named["hog_svm"] = classification.drop_probability_metrics(classification.compute_metrics(machine, truth))
    return named


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted label, class probabilities, and the image as the model sees it.

    Raises:
        DataError: the file is not a readable image.
    """
    pixels = read_model_image(payload, loaded.preprocessing)
    return classification.classify_image(loaded, images.to_model_input(pixels, loaded.preprocessing), pixels)


def read_model_image(payload: bytes, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Read an image file as (H, W) or (H, W, 3) uint8 in the model's size and channels.

    Raises:
        DataError: the file is not a readable image.
    """
    if "side" not in preprocessing:
        return images.read_gray(payload, height=int(preprocessing["height"]), width=int(preprocessing["width"]))
    side = int(preprocessing["side"])
    if preprocessing["channels"] == 1:
        return images.read_gray(payload, height=side, width=side)
    return images.read_rgb(payload, side=side).pixels
