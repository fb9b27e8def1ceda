"""vision/gradients: deep networks whose gradient vanishes, explodes or stays healthy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from dlcore.data.images import images
from dlcore.models.deep_network import DeepNetwork, DeepNetworkConfig
from dlcore.projects.project import ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import fashion
from dlcore.projects.vision.explain import explain
from dlcore.projects.vision.fashion import FashionData


def _build(options: DeepNetworkConfig, facts: Mapping[str, int]) -> nn.Module:
    return DeepNetwork(options, channels=1, height=facts["height"], classes=facts["classes"])


def _network(title: str, summary: str) -> ModelEntry:
    return ModelEntry(title=title, summary=summary, build=_build, config=DeepNetworkConfig)


PLAIN = {"skip_connections": False, "normalization": "none", "initialization": "torch", "activation": "relu"}
NORMALIZED = {**PLAIN, "normalization": "batch", "initialization": "he"}
NETWORKS = {
    "vgg_deep": {**PLAIN, "depth": 20},
    "resnet": {**NORMALIZED, "depth": 20, "skip_connections": True},
    "plain_norm_shallow": {**NORMALIZED, "depth": 20},
    "plain_norm": {**NORMALIZED, "depth": 38},
    "resnet_deep": {**NORMALIZED, "depth": 38, "skip_connections": True},
    "residual_bare": {
        **NORMALIZED,
        "depth": 38,
        "skip_connections": True,
        "normalization": "none",
        "learning_rate": 1e-3,
        "clip_norm": 1.0,
    },
    "sigmoid": {**PLAIN, "depth": 20, "initialization": "xavier", "activation": "sigmoid"},
}
"""Settings of each network."""
SGD = {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9}

REPORTED = {3: 1e-8, 15: 1e-6, 27: 1e-4, 38: 1e-2}
"""Published gradient norms per layer of a VGG-deep; not measured here."""
REPORTED_DEPTH = 38

PROJECT = Project(
    slug="gradients",
    section="vision",
    title="Vanishing gradients",
    summary="See where the gradient vanishes in a deep network, and which change restores it.",
    task=CLASSIFICATION,
    modality="image",
    datasets=("fashion_mnist", "digits"),
    models={
        "vgg_deep": _network(
            "VGG-deep, 20 layers",
            "Plain convolutions with ReLU: the gradient vanishes.",
        ),
        "resnet": _network(
            "ResNet, 20 layers",
            "The same layers with batch norm, He initialization and skip connections.",
        ),
        "plain_norm_shallow": _network(
            "Plain with batch norm, 20 layers", "Batch norm and He initialization without skip connections."
        ),
        "plain_norm": _network(
            "Plain with batch norm, 38 layers",
            "The gradient is healthy, yet accuracy is below that of 20 layers (degradation).",
        ),
        "resnet_deep": _network("ResNet, 38 layers", "With skip connections, depth does not hurt."),
        "residual_bare": _network(
            "Residual without normalization, 38 layers",
            "Skip connections alone: every sum amplifies the signal. Diverges at the default learning rate; slow with "
            "clipping and a fiftieth of it.",
        ),
        "sigmoid": _network(
            "Sigmoid, 20 layers",
            "Each sigmoid scales the gradient by at most 0.25: the gradient vanishes.",
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
    baselines=fashion.baselines,
    answer=fashion.answer,
    explain=explain,
    input_limit=images.MAX_BYTES,
)


def weight_layers(layers: Sequence[str]) -> list[int]:
    """Indices of convolutions and of the last layer, without normalization layers."""
    return [place for place, name in enumerate(layers) if name == "classes" or name.endswith(".0")]


WORDS: dict[str, dict[object, str]] = {
    "skip_connections": {False: "plain", True: "skips"},
    "normalization": {"none": "no norm", "batch": "batch norm", "group": "group norm"},
    "initialization": {
        "torch": "PyTorch init",
        "he": "He init",
        "xavier": "Xavier init",
        "small": "small init",
    },
    "activation": {"relu": "ReLU", "leaky_relu": "leaky ReLU", "gelu": "GELU", "tanh": "tanh", "sigmoid": "sigmoid"},
}
"""Labels of setting values."""


def describe_setting(name: str, value: object) -> str:
    """Label of a setting's value; depth in layers."""
    return f"{int(str(value)) // 2 * 2} layers" if name == "depth" else WORDS[name][value]


def describe_network(config: RunConfig) -> str:
    """Settings of a network in one line."""
    options = config.model_as(DeepNetworkConfig).model_dump()
    order = ("depth", "activation", "normalization", "initialization", "skip_connections")
    parts = [describe_setting(name, options[name]) for name in order]
    parts.append(f"rate {config.training.learning_rate:g}")
    return ", ".join([*parts, f"clipped at {config.training.clip_norm:g}"] if config.training.clip_norm else parts)


@dataclass(frozen=True)
class Remedy:
    """A changed setting and its reason; `suits` says whether it fits the diagnosis."""

    name: str
    why: str
    settings: Mapping[str, Any]
    suits: bool


REMEDIES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "normalization": (
        "Batch norm",
        "Each channel gets variance 1, so no layer shrinks or amplifies the signal.",
        ("vanishing", "exploding", "not finite", "dying units"),
    ),
    "skip_connections": (
        "Skip connections",
        "The sum passes the gradient unchanged around the layers.",
        ("vanishing",),
    ),
    "initialization": (
        "He init",
        "Weights scaled so that ReLU layers preserve the variance.",
        ("vanishing",),
    ),
    "activation": ("ReLU", "Slope 1 where active; a sigmoid's slope is at most 0.25.", ("vanishing",)),
    "leaky": (
        "Leaky ReLU",
        "An inactive unit still gets 1 % of the gradient, so it can recover.",
        ("dying units",),
    ),
    "clip_norm": (
        "Clip at 1",
        "A gradient above the norm limit is rescaled before the step.",
        ("exploding", "not finite"),
    ),
    "learning_rate": (
        "A tenth of the learning rate",
        "Smaller steps keep weights in a trainable range.",
        ("exploding", "not finite", "dying units"),
    ),
}
"""Remedy -> label, reason, and the diagnoses it fits."""


def list_remedies(config: RunConfig, kind: str) -> list[Remedy]:
    """Remedies for a network, those for the diagnosis `kind` first."""
    options, training = config.model_as(DeepNetworkConfig), config.training
    changes: dict[str, dict[str, Any]] = {}
    if options.normalization == "none":
        changes["normalization"] = {"normalization": "batch"}
    if not options.skip_connections:
        changes["skip_connections"] = {"skip_connections": True}
    if options.initialization != "he":
        changes["initialization"] = {"initialization": "he"}
    if options.activation in ("sigmoid", "tanh"):
        changes["activation"] = {"activation": "relu"}
    if options.activation == "relu":
        changes["leaky"] = {"activation": "leaky_relu"}
    if not training.clip_norm:
        changes["clip_norm"] = {"clip_norm": 1.0}
    changes["learning_rate"] = {"learning_rate": max(1e-7, training.learning_rate / 10)}
    remedies = [Remedy(*REMEDIES[name][:2], settings, kind in REMEDIES[name][2]) for name, settings in changes.items()]
    return sorted(remedies, key=lambda remedy: not remedy.suits)
