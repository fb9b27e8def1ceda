"""vision/vit: a picture read as a sequence of patches, against a convolutional network of as many parameters."""

from collections.abc import Mapping

from torch import nn

from dlcore.data.images import images
from dlcore.models.small_cnn import SmallCnn, SmallCnnConfig
from dlcore.models.vit import HybridConfig, Vit, VitConfig
from dlcore.projects import classification
from dlcore.projects.project import ModelEntry, Project
from dlcore.projects.vision import fashion
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.fashion import FashionData

GREY = 1
"""Channels of a grey picture."""
SIZES = {"patch": 4, "depth": 4, "heads": 4, "width": 64, "dropout": 0.0}
"""Small enough for one core: 139,018 parameters at 28 x 28 pixels, against 136,740 of the convolutional network."""
EQUAL_WIDTH = 22
"""Channels with which the convolutional network has as many parameters as the Transformer above."""


def _vit(options: VitConfig, facts: Mapping[str, int]) -> nn.Module:
    return Vit(options, channels=GREY, height=facts["height"], width=facts["width"], classes=facts["classes"])


def _cnn(options: SmallCnnConfig, facts: Mapping[str, int]) -> nn.Module:
    return SmallCnn(options, channels=GREY, classes=facts["classes"])


_RECIPE = {
    "batch_size": 64,
    "optimiser": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 0.02,
    "schedule": "one_cycle",
    "clip_norm": 1.0,
    "flip": True,
}

PROJECT = Project(
    slug="vit",
    section="vision",
    title="Vision Transformer",
    summary="Cut a picture into patches, let each look at all the others, and watch where every head looks.",
    datasets=("fashion_mnist", "mnist", "digits"),
    models={
        "vit": ModelEntry(
            title="Vision Transformer",
            summary="Patches as the words of a sentence, four blocks of attention over them (Dosovitskiy et al. 2021).",
            build=_vit,
            config=VitConfig,
        ),
        "hybrid": ModelEntry(
            title="Vision Transformer with a convolutional stem",
            summary="The same, but two small convolutions make the patches' numbers (Xiao et al. 2021).",
            build=_vit,
            config=HybridConfig,
        ),
        "cnn": ModelEntry(
            title="Convolutional network of equal size",
            summary="Six 3x3 convolutions with as many parameters: what the Transformer is held against.",
            build=_cnn,
            config=SmallCnnConfig,
        ),
    },
    data_config=FashionData,
    presets={
        "quick": {
            "epochs": 3,
            "batch_size": 64,
            "learning_rate": 2e-3,
            "schedule": "one_cycle",
            "train_rows": 6000,
            "vit": SIZES,
            "hybrid": SIZES,
            "cnn": {"width": EQUAL_WIDTH},
        },
        "full": {
            **_RECIPE,
            "vit": {**SIZES, "epochs": 12, "shift": 1},
            "hybrid": {**SIZES, "epochs": 24, "shift": 1},
            "cnn": {"width": EQUAL_WIDTH, "epochs": 3},
        },
    },
    facts={"height": 28, "width": 28, "classes": 10},
    prepare=fashion.prepare,
    objective=classification.objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=fashion.baselines,
    answer=fashion.answer,
    explain=explain,
    input_kind="image",
    input_limit=images.MAX_BYTES,
)
