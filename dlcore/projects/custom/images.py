"""workspace/custom: networks of the user's code that classify images."""

from dataclasses import replace
from typing import Any

from torch import Tensor

from dlcore.core.config import choice, number
from dlcore.core.errors import ConfigError
from dlcore.data.splits import Prepared
from dlcore.projects import quick
from dlcore.projects.custom.networks import adopt
from dlcore.projects.custom.source import IMAGES as SLUG
from dlcore.projects.run_config import RunConfig
from dlcore.projects.vision import architectures, fashion
from dlcore.projects.vision import images as vision_images

SMALL_IMAGES = ("fashion_mnist", "mnist", "digits")
"""Datasets of small gray images, read as the page Fashion classification reads them, with a channel axis."""
QUICK_SAMPLES = 60_000


class CustomImageData(vision_images.ImageData):
    """Image size, splits and augmentation; nothing is augmented by default."""

    flip: bool = choice(False, help="Random horizontal flip in training; never for digits.")
    side: int = number(
        32, low=8, high=256, unit="pixels", help="Height and width of the images; gray datasets keep their size."
    )


class _WithChannel:
    """Adds the channel axis to inputs (N, H, W)."""

    def __init__(self, transform: Any) -> None:
        self.transform = transform

    def __call__(self, inputs: tuple[Tensor, ...], training: bool) -> tuple[Tensor, ...]:
        return tuple(part.unsqueeze(1) for part in self.transform(inputs, training))


def prepare(config: RunConfig) -> Prepared:
    """Splits as on the built-in pages; every network gets inputs (N, C, H, W)."""
    options = config.data_as(CustomImageData)
    if config.dataset not in SMALL_IMAGES:
        return vision_images.prepare(config)
    if options.first_side:
        raise ConfigError(f"{config.dataset} has no progressive resizing: set first_side to 0.")
    data = fashion.FashionData(**options.model_dump(include=set(fashion.FashionData.model_fields)))
    prepared = fashion.prepare(config.model_copy(update={"data_options": data}))
    side, scale = prepared.preprocessing["height"], prepared.preprocessing
    return replace(
        prepared,
        facts={"channels": 1, **prepared.facts},
        preprocessing={"kind": "picture", "channels": 1, "side": side, "mean": [scale["mean"]], "std": [scale["std"]]},
        transform=_WithChannel(prepared.transform),
    )


PROJECT = adopt(
    architectures.PROJECT,
    SLUG,
    summary="Paste a PyTorch network: it is checked, trained, evaluated and explained like the built-in ones.",
    datasets=("fashion_mnist", "mnist", "cifar10", "dogs_food_vehicles", "digits"),
    data_config=CustomImageData,
    presets={
        "quick": {"epochs": 6, "batch_size": 128, "learning_rate": 1e-3, "train_rows": 20_000},
        "full": {"epochs": 20, "batch_size": 128, "learning_rate": 1e-3, "schedule": "cosine", "patience": 6},
    },
    facts={"channels": 1, "height": 28, "width": 28, "classes": 10},
    prepare=prepare,
    quick_settings=lambda dataset, model, values: quick.fit_epochs(
        values, dataset, samples=QUICK_SAMPLES, rows_setting="train_rows"
    ),
)
