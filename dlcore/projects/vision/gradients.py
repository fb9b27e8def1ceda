"""vision/gradients: networks of chosen depth, in which the gradient vanishes, explodes or arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from dlcore.core.config import parse
from dlcore.data.images import images
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.projects import classification
from dlcore.projects.project import ModelEntry, Project, RunConfig
from dlcore.projects.vision import fashion
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.fashion import FashionData


def _build(options: DeepNetworkConfig, facts: Mapping[str, int]) -> nn.Module:
    return DeepNetwork(options, channels=1, height=facts["height"], classes=facts["classes"])


def _network(title: str, summary: str) -> ModelEntry:
    return ModelEntry(title=title, summary=summary, build=_build, config=DeepNetworkConfig)


PLAIN = {"skip": False, "normalisation": "none", "initialisation": "torch", "activation": "relu"}
NORMALISED = {**PLAIN, "normalisation": "batch", "initialisation": "he"}
NETWORKS = {
    "vgg_deep": {**PLAIN, "depth": 20},
    "resnet": {**NORMALISED, "depth": 20, "skip": True},
    "plain_norm_shallow": {**NORMALISED, "depth": 20},
    "plain_norm": {**NORMALISED, "depth": 38},
    "resnet_deep": {**NORMALISED, "depth": 38, "skip": True},
    "residual_bare": {
        **NORMALISED,
        "depth": 38,
        "skip": True,
        "normalisation": "none",
        "learning_rate": 1e-3,
        "clip_norm": 1.0,
    },
    "sigmoid": {**PLAIN, "depth": 20, "initialisation": "xavier", "activation": "sigmoid"},
}
"""The settings that make each network what its name says; a fork may change any of them."""
SGD = {"optimiser": "sgd", "learning_rate": 0.05, "momentum": 0.9}

REPORTED = {3: 1e-8, 15: 1e-6, 27: 1e-4, 38: 1e-2}
"""Norms of the gradient by layer of a VGG-deep, as reported by others; never measured here."""
REPORTED_DEPTH = 38

PROJECT = Project(
    slug="gradients",
    section="vision",
    title="Vanishing gradients",
    summary="See where the gradient dies in a deep network, and what brings it back.",
    datasets=("fashion_mnist", "digits"),
    models={
        "vgg_deep": _network(
            "VGG-deep, 20 layers",
            "Convolution on convolution with ReLU, nothing else: the classic network whose gradient vanishes.",
        ),
        "resnet": _network(
            "ResNet, 20 layers",
            "The same layers with batch norm, He's start, and a way around every two of them.",
        ),
        "plain_norm_shallow": _network(
            "Plain with batch norm, 20 layers", "No way around, but batch norm and He's start: what those two do alone."
        ),
        "plain_norm": _network(
            "Plain with batch norm, 38 layers",
            "The gradient arrives, and still it learns worse than the network of 20 layers.",
        ),
        "resnet_deep": _network("ResNet, 38 layers", "Depth is no harm where each pair of layers has a way around it."),
        "residual_bare": _network(
            "Residual without normalisation, 38 layers",
            "A way around is not enough: every sum makes the signal larger. At the others' learning rate it breaks at "
            "the third step; with clipping and a fiftieth of the rate it creeps.",
        ),
        "sigmoid": _network(
            "Sigmoid, 20 layers",
            "Each sigmoid passes on a quarter of the gradient at most: the network of before 2010.",
        ),
    },
    data_config=FashionData,
    presets={
        "quick": {
            "epochs": 4,
            "batch_size": 32,
            "train_rows": 1600,
            "gradient_every": 4,
            "width": 8,
            **SGD,
            **NETWORKS,
        },
        "full": {
            "epochs": 6,
            "batch_size": 64,
            "train_rows": 12_000,
            "gradient_every": 10,
            "width": 8,
            "schedule": "one_cycle",
            "weight_decay": 1e-4,
            **SGD,
            **NETWORKS,
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


def weight_layers(layers: Sequence[str]) -> list[int]:
    """Places of the convolutions and of the last layer among a deep network's layers, without its normalisations."""
    return [place for place, name in enumerate(layers) if name == "classes" or name.endswith(".0")]


WORDS: dict[str, dict[object, str]] = {
    "skip": {False: "plain", True: "skips"},
    "normalisation": {"none": "no norm", "batch": "batch norm", "group": "group norm"},
    "initialisation": {
        "torch": "PyTorch's start",
        "he": "He's start",
        "xavier": "Xavier's start",
        "small": "small start",
    },
    "activation": {"relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "tanh": "tanh", "sigmoid": "sigmoid"},
}
"""The switches of a deep network as people say them."""


def describe_setting(name: str, value: object) -> str:
    """One switch of a deep network, or its depth: of layers, which come in pairs between the first and the last."""
    return f"{int(str(value)) // 2 * 2} layers" if name == "depth" else WORDS[name][value]


def describe_network(config: RunConfig) -> str:
    """What a network is, whatever its settings were changed to: its depth and its five switches."""
    options = parse(DeepNetworkConfig, config.model_options).model_dump()
    order = ("depth", "activation", "normalisation", "initialisation", "skip")
    parts = [describe_setting(name, options[name]) for name in order]
    parts.append(f"rate {config.training.learning_rate:g}")
    return ", ".join([*parts, f"clipped at {config.training.clip_norm:g}"] if config.training.clip_norm else parts)


@dataclass(frozen=True)
class Remedy:
    """One setting changed, and why; `suits` says whether it is a cure for what was found."""

    name: str
    why: str
    settings: Mapping[str, Any]
    suits: bool


REMEDIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "normalisation": (
        "Batch norm",
        "Each channel is brought back to variance 1, so no layer can shrink or swell the signal.",
        ("vanishing", "exploding", "not finite", "dying units"),
    ),
    "skip": (
        "Skip connections",
        "The sum hands the gradient on unchanged, whatever the layers in between do to it.",
        ("vanishing",),
    ),
    "initialisation": (
        "He's start",
        "Weights large enough that layers with ReLU keep the signal's variance.",
        ("vanishing",),
    ),
    "activation": ("ReLU", "Its slope is 1 where it is on; that of a sigmoid is a quarter at most.", ("vanishing",)),
    "leaky": (
        "Leaky ReLU",
        "A unit that is off still gets a hundredth of the gradient, so it can come back.",
        ("dying units",),
    ),
    "clip_norm": (
        "Clip at 1",
        "A gradient that is too long is shortened before the step.",
        ("exploding", "not finite"),
    ),
    "learning_rate": (
        "A tenth of the rate",
        "Smaller steps: weights are not thrown out of the range in which they learn.",
        ("exploding", "not finite", "dying units"),
    ),
}
"""What may be changed: its name, why it helps, and the verdicts for which it is made."""


def list_remedies(config: RunConfig, kind: str) -> list[Remedy]:
    """What may be changed in a network's settings; those that suit the verdict `kind` come first."""
    options, training = parse(DeepNetworkConfig, config.model_options), config.training
    changes: dict[str, dict[str, Any]] = {}
    if options.normalisation == "none":
        changes["normalisation"] = {"normalisation": "batch"}
    if not options.skip:
        changes["skip"] = {"skip": True}
    if options.initialisation != "he":
        changes["initialisation"] = {"initialisation": "he"}
    if options.activation in ("sigmoid", "tanh"):
        changes["activation"] = {"activation": "relu"}
    if options.activation == "relu":
        changes["leaky"] = {"activation": "leaky_relu"}
    if not training.clip_norm:
        changes["clip_norm"] = {"clip_norm": 1.0}
    changes["learning_rate"] = {"learning_rate": max(1e-7, training.learning_rate / 10)}
    found = [Remedy(*REMEDIES[name][:2], settings, kind in REMEDIES[name][2]) for name, settings in changes.items()]
    return sorted(found, key=lambda cure: not cure.suits)
