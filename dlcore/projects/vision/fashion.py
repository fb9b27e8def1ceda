"""vision/fashion: dense networks that classify clothing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number
from dlcore.data.custom.versions import find_base
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, random_shift_flip
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_sample, stratified_split
from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig, ImprovedDenseConfig
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.images import NEVER_MIRRORED, simple_baselines


class FashionData(Config):
    """Splits and augmentation."""

    validation_share: float = number(0.1, low=0.02, high=0.5, help="Validation share of the training images.")
    train_rows: int = number(0, low=0, high=60_000, unit="images", help="Training images used, stratified; 0 uses all.")
    flip: bool = choice(False, help="Random horizontal flip in training; never for digits.")
    shift: int = number(0, low=0, high=14, unit="pixels", help="Random shift in training, at most.")


def prepare(config: RunConfig) -> Prepared:
    """Official test split; the rest is split into training and validation by the seed, stratified."""
    options = config.data_as(FashionData)
    data = images.load(config.dataset, checksum=config.data_checksum)
    if data.in_validation.any():  # a version has the splits of its run
        train, validation = np.flatnonzero(~data.in_validation & ~data.is_excluded), np.flatnonzero(data.in_validation)
    else:
        train, validation = stratified_split(data.labels, options.validation_share, seed=config.seed)
    train = train[stratified_sample(data.labels[train], options.train_rows, seed=config.seed)]
    scale = images.mean_and_std(data.pixels[train])
    height, width = data.pixels.shape[1:]
    return Prepared(
        train=_split(data.pixels[train], data.labels[train], train),
        validation=_split(data.pixels[validation], data.labels[validation], validation),
        test=_split(data.test_pixels, data.test_labels, np.arange(len(data.test_labels))),
        facts={"height": height, "width": width, "classes": len(data.names)},
        preprocessing={"kind": "grey", "height": height, "width": width, **scale},
        labels=data.names,
        checksum=data.checksum,
        transform=_Scale(scale["mean"], scale["std"], augmentation(options, config.dataset)),
    )


def augmentation(options: FashionData, dataset: str) -> Augmentation:
    """The augmentation for a dataset."""
    return Augmentation(shift=options.shift, flip=options.flip and find_base(dataset) not in NEVER_MIRRORED)


def _split(pixels: np.ndarray, labels: np.ndarray, ids: np.ndarray) -> Split:
    return Split((torch.tensor(pixels),), torch.tensor(labels), ids.astype(np.int64))


class _Scale:
    """Scale uint8 pixels (N, H, W) to float on the device, which transfers fewer bytes; augment in training."""

    def __init__(self, mean: float, std: float, how: Augmentation) -> None:
        self.factor, self.offset, self.how = 1 / (255 * std), -mean / std, how

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        pixels = inputs[0]
        if training and (self.how.shift or self.how.flip):
            pixels = random_shift_flip(pixels.unsqueeze(-1), shift=self.how.shift, flip=self.how.flip).squeeze(-1)
        return (pixels.float().mul_(self.factor).add_(self.offset),)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, nearest class mean and logistic regression on the training split."""
    train, test = (split.inputs[0].numpy().astype(np.float32) / 255 for split in (prepared.train, prepared.test))
    return simple_baselines(prepared, train, prepared.train.targets.numpy(), test)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted label, class probabilities, and the image as the model sees it.

    Raises:
        DataError: the file is not a readable image.
    """
    preprocessing = loaded.preprocessing
    pixels = images.read_gray(payload, height=int(preprocessing["height"]), width=int(preprocessing["width"]))
    return classification.classify_image(loaded, images.normalize(pixels, preprocessing), pixels)


def _build(options: DenseClassifierConfig, facts: Mapping[str, int]) -> nn.Module:
    return DenseClassifier(options, features=facts["height"] * facts["width"], classes=facts["classes"])


PROJECT = Project(
    slug="fashion",
    section="vision",
    title="Fashion classification",
    summary="Classify ten kinds of clothing on small gray images with three dense layers.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("fashion_mnist", "digits"),
    models={
        "dense": ModelEntry(
            title="Dense 256-128-64",
            summary="Three hidden layers with ReLU on flattened pixels.",
            build=_build,
            config=DenseClassifierConfig,
        ),
        "improved": ModelEntry(
            title="Dense 256-128-64 with dropout and batch norm",
            summary="The same layers with batch norm, dropout and augmentation.",
            build=_build,
            config=ImprovedDenseConfig,
        ),
    },
    data_config=FashionData,
    presets={
        "quick": {
            "epochs": 6,
            "batch_size": 128,
            "learning_rate": 1e-3,
            "train_rows": 20_000,
            "improved": {"learning_rate": 4e-3, "schedule": "one_cycle", "dropout": 0.05, "flip": True},
        },
        "full": {
            "epochs": 20,
            "batch_size": 128,
            "learning_rate": 1e-3,
            "schedule": "cosine",
            "patience": 6,
            "improved": {
                "epochs": 80,
                "batch_size": 256,
                "learning_rate": 4e-3,
                "optimizer": "adamw",
                "weight_decay": 0.02,
                "schedule": "one_cycle",
                "patience": 0,
                "dropout": 0.05,
                "flip": True,
                "shift": 1,
            },
        },
    },
    facts={"height": 28, "width": 28, "classes": 10},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    explain=explain,
    input_limit=images.MAX_BYTES,
)
