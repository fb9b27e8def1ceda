"""vision/vit: a Vision Transformer, and a convolutional network of equal size."""

from collections.abc import Mapping

from torch import nn

from dlcore.data.images import images
from dlcore.models.small_cnn import SmallCnn, SmallCnnConfig
from dlcore.models.vit import HybridConfig, Vit, VitConfig
from dlcore.projects.project import ModelEntry, Project
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import fashion
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.fashion import FashionData

GREY = 1
"""Channels of a grayscale image."""
SIZES = {"patch": 4, "depth": 4, "heads": 4, "width": 64, "dropout": 0.0}
"""139,018 parameters at 28 x 28 pixels; the convolutional network has 136,740."""
EQUAL_WIDTH = 22
"""Channels that give the convolutional network about as many parameters."""


def _vit(options: VitConfig, facts: Mapping[str, int]) -> nn.Module:
    return Vit(options, channels=GREY, height=facts["height"], width=facts["width"], classes=facts["classes"])


def _cnn(options: SmallCnnConfig, facts: Mapping[str, int]) -> nn.Module:
    return SmallCnn(options, channels=GREY, classes=facts["classes"])


_TRAINING = {
    "batch_size": 64,
    "optimizer": "adamw",
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
    summary="Split an image into patches, attend between them, and see what each head attends to.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("fashion_mnist", "mnist", "digits"),
    models={
        "vit": ModelEntry(
            title="Vision Transformer",
            summary="Patches as tokens, four attention blocks (Dosovitskiy et al. 2021).",
            build=_vit,
            config=VitConfig,
        ),
        "hybrid": ModelEntry(
            title="Vision Transformer with a convolutional stem",
            summary="Two small convolutions embed the patches (Xiao et al. 2021).",
            build=_vit,
            config=HybridConfig,
        ),
        "cnn": ModelEntry(
            title="Convolutional network of equal size",
            summary="Six 3x3 convolutions: a baseline of equal size.",
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
            **_TRAINING,
            "vit": {**SIZES, "epochs": 12, "shift": 1},
            "hybrid": {**SIZES, "epochs": 24, "shift": 1},
            "cnn": {"width": EQUAL_WIDTH, "epochs": 3},
        },
    },
    facts={"height": 28, "width": 28, "classes": 10},
    prepare=fashion.prepare,
    baselines=fashion.baselines,
    answer=fashion.answer,
    explain=explain,
    input_limit=images.MAX_BYTES,
)
