"""vision/architectures: VGG-16, ResNet-18 and ResNeXt on the same images."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from dlcore.data.custom.registry import CustomDataset
from dlcore.data.images import images
from dlcore.models.resnet import ResNetConfig, resnet
from dlcore.models.resnext import ResNextConfig, resnext
from dlcore.models.vgg import Vgg, VggConfig
from dlcore.projects import quick
from dlcore.projects.project import ModelEntry, Project
from dlcore.projects.vision import images as vision_images
from dlcore.projects.vision.architecture_lessons import LESSONS
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.images import ImageData


def _vgg(options: VggConfig, facts: Mapping[str, int]) -> nn.Module:
    return Vgg(
        options, channels=facts["channels"], height=facts["height"], width=facts["width"], classes=facts["classes"]
    )


def _resnet(options: ResNetConfig, facts: Mapping[str, int]) -> nn.Module:
    return resnet(options, channels=facts["channels"], classes=facts["classes"])


def _resnext(options: ResNextConfig, facts: Mapping[str, int]) -> nn.Module:
    return resnext(options, channels=facts["channels"], classes=facts["classes"])


REPORTED: dict[str, dict[str, tuple[float, ...]]] = {
    "vgg16_c": {
        "train_loss": (0.0889, 0.0537, 0.0631, 0.0701, 0.0704, 0.0496, 0.0458, 0.0311, 0.0352, 0.0215),
        "validation_loss": (1.0225, 0.8865, 0.9923, 1.0166, 1.1482, 1.1022, 1.1557, 1.1291, 1.2872, 1.1538),
        "train_accuracy": (0.9831, 0.9887, 0.9831, 0.9719, 0.9831, 0.9831, 0.9887, 0.9943, 0.9943, 0.9887),
        "validation_accuracy": (0.801, 0.8133, 0.8295, 0.8591, 0.8406, 0.8496, 0.8414, 0.8126, 0.894, 0.8752),
    },
    "resnet18": {
        "train_loss": (0.4167, 0.4212, 0.4164, 0.3940, 0.3863, 0.3913, 0.3867, 0.3913, 0.3443, 0.3835),
        "validation_loss": (0.5373, 0.5344, 0.5454, 0.5620, 0.5827, 0.5475, 0.5502, 0.5428, 0.5450, 0.5462),
        "train_accuracy": (0.8434, 0.8097, 0.8645, 0.8384, 0.8272, 0.8122, 0.8912, 0.8114, 0.8021, 0.8327),
        "validation_accuracy": (0.8001, 0.8989, 0.8274, 0.8047, 0.851, 0.8961, 0.881, 0.8168, 0.8423, 0.8767),
    },
}
"""Curves reported by a course for two models on 30,000 of these images, by epoch."""

_TRAINING = {
    "epochs": 30,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "schedule": "one_cycle",
    "side": 64,
    "shift": 8,
    "cutout": 16,
    "color_jitter": 0.2,
}
"""Sized for a night on two CPU cores. Without downsampling in the stem, training takes four times as long."""

QUICK_SAMPLES = 12_000
"""Images x epochs of the quick preset on a custom dataset."""


def quick_settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Epochs and images of the quick preset."""
    return quick.fit_epochs(values, dataset, samples=QUICK_SAMPLES, rows_setting="train_rows")


PROJECT = Project(
    slug="architectures",
    section="vision",
    title="VGG, ResNet, ResNeXt",
    summary="Train three classic image classifiers on the same photos; compare accuracy, speed and size.",
    task=vision_images.IMAGE_CLASSIFICATION,
    modality="image",
    datasets=("dogs_food_vehicles", "cifar10", "fashion_mnist", "mnist", "digits"),
    models={
        "resnet18": ModelEntry(
            title="ResNet-18",
            summary="Residual blocks of two convolutions (He et al. 2016).",
            build=_resnet,
            config=ResNetConfig,
        ),
        "vgg16_c": ModelEntry(
            title="VGG-16 (version C)",
            summary="Thirteen stacked convolutions and a dense head (Simonyan & Zisserman 2015).",
            build=_vgg,
            config=VggConfig,
            ignored_settings=("first_side",),  # its head needs images of one size
        ),
        "resnext": ModelEntry(
            title="ResNeXt",
            summary="Residual blocks of many narrow paths that are summed (Xie et al. 2017).",
            build=_resnext,
            config=ResNextConfig,
        ),
    },
    data_config=ImageData,
    presets={
        "quick": {
            "epochs": 5,
            "batch_size": 64,
            "learning_rate": 2e-3,
            "schedule": "one_cycle",
            "side": 32,
            "train_rows": 2000,
            "shift": 2,
            "vgg16_c": {"width": 16, "head": 256, "dropout": 0.2, "learning_rate": 1e-3},
            "resnet18": {"width": 16},
            "resnext": {"width": 8, "cardinality": 4, "group_width": 4},
        },
        "full": {
            **_TRAINING,
            "vgg16_c": {"head": 512, "learning_rate": 0.02},
            "resnet18": {"stem": "half"},
            "resnext": {"stem": "half"},
        },
    },
    facts={"channels": 3, "height": 64, "width": 64, "classes": 3},
    prepare=vision_images.prepare,
    baselines=vision_images.baselines,
    answer=vision_images.answer,
    explain=explain,
    input_limit=images.MAX_BYTES,
    reported={"vgg16_c": 0.894, "resnet18": 0.8989, "resnext": 0.9061},
    reported_curves=REPORTED,
    custom_data=("images",),
    usable_baselines=vision_images.USABLE_BASELINES,
    custom_settings=quick.cross_validation,
    quick_settings=quick_settings,
    lessons=LESSONS,
)
