"""vision/fashion: a dense network that tells ten kinds of clothes apart."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlcore.core.config import Config, choice, number, parse
from dlcore.data.images import images
from dlcore.data.images.augment import Augmentation, random_shift_flip
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_sample, stratified_split
from dlcore.inference import predict as inference
from dlcore.models.dense_classifier import DenseClassifier, DenseClassifierConfig, ImprovedDenseConfig
from dlcore.projects import classification
from dlcore.projects.project import LoadedModel, ModelEntry, Project, RunConfig
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.images import NEVER_MIRRORED, simple_baselines


class FashionData(Config):
    """How the pictures are cut into parts, and changed in training."""

    validation_share: float = number(0.1, low=0.02, high=0.5, help="Share of the training pictures to validate on.")
    train_rows: int = number(
        0, low=0, high=60_000, unit="pictures", help="Training pictures used, each class at its share; 0 uses all."
    )
    flip: bool = choice(False, help="Mirror every second training picture, left and right; digits never are.")
    shift: int = number(0, low=0, high=14, unit="pixels", help="Training pictures move by up to so much.")


def prepare(config: RunConfig) -> Prepared:
    """Official test part as it is; the rest cut by the seed into training and validation, every class at its share."""
    options = parse(FashionData, config.data_options)
    found = images.load(config.dataset)
    train, validation = stratified_split(found.labels, options.validation_share, seed=config.seed)
    train = train[stratified_sample(found.labels[train], options.train_rows, seed=config.seed)]
    scale = images.mean_and_std(found.pixels[train])
    height, width = found.pixels.shape[1:]
    return Prepared(
        train=_split(found.pixels[train], found.labels[train], train),
        validation=_split(found.pixels[validation], found.labels[validation], validation),
        test=_split(found.test_pixels, found.test_labels, np.arange(len(found.test_labels))),
        facts={"height": height, "width": width, "classes": len(found.names)},
        preprocessing={"kind": "grey", "height": height, "width": width, **scale},
        labels=found.names,
        checksum=found.checksum,
        transform=_Scale(scale["mean"], scale["std"], augmentation(options, config.dataset)),
    )


def augmentation(options: FashionData, dataset: str) -> Augmentation:
    """How the dataset's training pictures are changed."""
    return Augmentation(shift=options.shift, flip=options.flip and dataset not in NEVER_MIRRORED)


def _split(pixels: np.ndarray, labels: np.ndarray, ids: np.ndarray) -> Split:
    return Split((torch.tensor(pixels),), torch.tensor(labels), ids.astype(np.int64))


class _Scale:
    """uint8 pixels (N, H, W) -> float, on the device: the bytes travel, not four times as many. In training each
    picture is moved and mirrored first, where that was asked for."""

    def __init__(self, mean: float, std: float, how: Augmentation) -> None:
        self.factor, self.offset, self.how = 1 / (255 * std), -mean / std, how

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        pixels = inputs[0]
        if training and (self.how.shift or self.how.flip):
            pixels = random_shift_flip(pixels.unsqueeze(-1), shift=self.how.shift, flip=self.how.flip).squeeze(-1)
        return (pixels.float().mul_(self.factor).add_(self.offset),)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class, nearest class mean and logistic regression, fitted on the same training part."""
    train, test = (split.inputs[0].numpy().astype(np.float32) / 255 for split in (prepared.train, prepared.test))
    return simple_baselines(prepared, train, prepared.train.targets.numpy(), test)


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """What a picture's file shows: the likeliest label, every label's probability, and the picture as the model saw it.

    Raises:
        DataError: the file is not a picture that can be read.
    """
    seen = loaded.preprocessing
    pixels = images.read_gray(payload, height=int(seen["height"]), width=int(seen["width"]))
    scores = inference.forward_batch(loaded.module, torch.from_numpy(images.normalize(pixels, seen)).unsqueeze(0))
    return classification.classify_image(loaded, scores, pixels)


def _build(options: DenseClassifierConfig, facts: Mapping[str, int]) -> nn.Module:
    return DenseClassifier(options, features=facts["height"] * facts["width"], classes=facts["classes"])


PROJECT = Project(
    slug="fashion",
    section="vision",
    title="Fashion classifier",
    summary="Tell ten kinds of clothing apart on small grey pictures, with three dense layers and nothing else.",
    datasets=("fashion_mnist", "digits"),
    models={
        "dense": ModelEntry(
            title="Dense 256-128-64",
            summary="Three hidden layers with ReLU; pixels laid flat, so it knows nothing of neighbours.",
            build=_build,
            config=DenseClassifierConfig,
        ),
        "improved": ModelEntry(
            title="Dense 256-128-64 with dropout and batch norm",
            summary="The same three layers, standardised and thinned out in training, on mirrored and moved pictures.",
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
                "optimiser": "adamw",
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
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    answer=answer,
    explain=explain,
    input_kind="image",
    input_limit=images.MAX_BYTES,
)
