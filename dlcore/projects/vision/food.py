"""vision/food: networks that know a million photographs learn dishes from a few hundred."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dlcore.core.config import Config, choice, number, parse
from dlcore.core.errors import ConfigError, DataMissingError
from dlcore.data.images import images
from dlcore.data.images.duplicates import grouped_stratified_split
from dlcore.data.images.images import Images
from dlcore.data.images.photos import FeatureViews, MixupResult, PhotoAugmentation, PhotoTransform
from dlcore.data.sources import weights
from dlcore.data.splits import Prepared, Split
from dlcore.data.stratify import stratified_sample
from dlcore.evaluation import linear
from dlcore.inference import predict as inference
from dlcore.models.transfer import Backbone, FrozenConfig, ScratchConfig, TransferConfig, TransferNet
from dlcore.projects import classification
from dlcore.projects.project import Evaluation, LoadedModel, ModelEntry, Project, RunConfig
from dlcore.projects.vision import food_features
from dlcore.projects.vision import images as pictures
from dlcore.projects.vision.explain import explain
from dlcore.training.fit import Objective

BACKBONE_OF: dict[str, Backbone] = {
    "mobilenet_v2": "mobilenet_v2",
    "mobilenet_v2_frozen": "mobilenet_v2",
    "mobilenet_v2_scratch": "mobilenet_v2",
    "mobilenet_v3_large": "mobilenet_v3_large",
    "efficientnet_b0": "efficientnet_b0",
    "resnet50": "resnet50",
}
"""Each model's backbone."""


PULL = 60.0
"""Of a head fitted on features, of two views of each picture; by five-fold cross-validation on training photos."""


class FoodData(Config):
    """How photographs are brought to size, cut into parts, and changed in training."""

    side: int = number(256, low=64, high=512, unit="pixels", help="Height and width of the pictures that are answered.")
    train_rows: int = number(
        0, low=0, high=1_000_000, unit="pictures", help="Training pictures used, each class at its share; 0 uses all."
    )
    validation_share: float = number(0.15, low=0.02, high=0.5, help="Share of the training pictures to validate on.")
    train_side: int = number(
        192, low=0, high=512, unit="pixels", help="Side of what training sees of a picture; 0 is all of `side`."
    )
    zoom: float = number(0.5, low=0.05, high=1.0, help="Least share of a picture that training cuts out; 1 cuts none.")
    flip: bool = choice(True, help="Mirror every second training picture, left and right.")
    jitter: float = number(0.2, low=0.0, high=0.9, help="Brightness and contrast of training pictures vary by so much.")
    erase: int = number(
        0, low=0, high=256, unit="pixels", help="Side of a hidden square (random erasing); 0 hides none."
    )
    mixup: float = number(0.0, low=0.0, high=4.0, help="Mix pictures in pairs by Beta(mixup, mixup); 0 mixes none.")
    label_smoothing: float = number(0.1, low=0.0, high=0.5, help="Share of the target spread over all classes.")


def prepare(config: RunConfig) -> Prepared:
    """The set's own test part as it is; the rest cut by the seed, look-alikes together. With the head alone trained
    the inputs are features (N, V, F), else pictures (N, H, W, 3).

    Raises:
        ConfigError: a head alone on random weights, which would be no transfer.
        DataMissingError: the dataset, or the weights that a head is trained on, are not on this machine.
    """
    options, plan = parse(FoodData, config.data_options), _plan(config)
    found = images.load(config.dataset, side=max(images.SIDE, options.side), checksum=config.data_checksum)
    if found.channels != 3:
        raise ConfigError(f"{config.dataset} is grey: choose a dataset of coloured photographs.")
    train, validation = _parts(found, options, config.seed)
    test = np.arange(len(found.test_labels))
    changes = PhotoAugmentation(
        options.train_side, options.zoom, options.flip, options.jitter, options.erase, options.mixup
    )
    parts = (
        (found.pixels, found.labels, train),
        (found.pixels, found.labels, validation),
        (found.test_pixels, found.test_labels, test),
    )
    if plan.train == "head":
        learn, last = food_features.compute_features(found, backbone=BACKBONE_OF[config.model], side=options.side)
        splits = [
            _split(values, labels, rows) for values, (_, labels, rows) in zip((learn, learn, last), parts, strict=True)
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
        facts={"channels": 3, "height": options.side, "width": options.side, "classes": len(found.names)},
        preprocessing={
            "kind": "picture",
            "channels": 3,
            "side": options.side,
            "mean": list(weights.MEAN),
            "std": list(weights.STD),
        },
        labels=tuple(name.replace("_", " ") for name in found.names),
        checksum=found.checksum,
        source={"images": found},
        start=_starter(found, plan, config, options.side, train) if plan.start == "pretrained" else None,
        transform=FeatureViews(options.mixup)
        if plan.train == "head"
        else PhotoTransform(weights.MEAN, weights.STD, changes),
    )


def _starter(
    found: Images, plan: TransferConfig, config: RunConfig, side: int, rows: np.ndarray
) -> Callable[[nn.Module], None]:
    backbone = BACKBONE_OF[config.model]

    def warm() -> tuple[np.ndarray, np.ndarray]:
        learn, _ = food_features.compute_features(found, backbone=backbone, side=side)
        return learn[rows].reshape(-1, learn.shape[-1]), found.labels[rows].repeat(learn.shape[1])

    return partial(_start, backbone=backbone, warm=warm if plan.warm_head else None)


def _plan(config: RunConfig) -> TransferConfig:
    plan = parse(PROJECT.models[config.model].config, config.model_options)
    assert isinstance(plan, TransferConfig)
    if plan.start == "random" and plan.train != "all":
        raise ConfigError(f"train={plan.train} needs start=pretrained: nothing is learnt on top of random weights.")
    return plan


def needs(config: RunConfig) -> tuple[str, ...]:
    """ImageNet's weights of the model's backbone, unless it starts from random ones."""
    pretrained = _plan(config).start == "pretrained"
    return (f"{weights.PREFIX}{BACKBONE_OF[config.model]}",) if pretrained else ()


def _parts(found: Images, options: FoodData, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(~found.also_in_test)
    rest, held = grouped_stratified_split(found.labels[rows], found.groups[rows], options.validation_share, seed=seed)
    train, validation = rows[rest], rows[held]
    return train[stratified_sample(found.labels[train], options.train_rows, seed=seed)], validation


def _split(values: np.ndarray, labels: np.ndarray, rows: np.ndarray, ids: np.ndarray | None = None) -> Split:
    return Split(
        (torch.from_numpy(np.array(values[rows])),),
        torch.from_numpy(labels[rows]),
        (rows if ids is None else ids).astype(np.int64),
    )


def _start(module: nn.Module, backbone: Backbone, warm: Callable[[], tuple[np.ndarray, np.ndarray]] | None) -> None:
    """Put ImageNet's weights into a network just built, and a head fitted on its features where that is wanted: a
    random head would pull good features apart before it knows anything (Kumar et al. 2022)."""
    network = cast(TransferNet, module)
    network.take_over(weights.load(backbone))
    if warm is not None:
        features, targets = (torch.from_numpy(np.array(part)) for part in warm())
        fit_head(cast(nn.Linear, network.head[-1]), features, targets)


def fit_head(head: nn.Linear, features: Tensor, targets: Tensor, *, pull: float = PULL) -> None:
    """Multinomial logistic regression of targets (N,) on features (N, F), put into the head; `pull` is the weight of
    half the squared weights beside the summed log losses. L-BFGS, so it is the same every time."""
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    search = torch.optim.LBFGS(head.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        found = (
            functional.cross_entropy(head(features), targets, reduction="sum") + pull / 2 * head.weight.square().sum()
        )
        found.backward()
        return found

    search.step(loss)  # type: ignore[no-untyped-call]


def objective(config: RunConfig, prepared: Prepared) -> Objective:
    """Cross-entropy with smoothed labels, of mixed pictures the same mixture of two; and how many are right."""
    smoothing = parse(FoodData, config.data_options).label_smoothing
    transform = prepared.transform
    assert isinstance(transform, PhotoTransform | FeatureViews)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        mix: MixupResult | None = transform.mix
        own = functional.cross_entropy(outputs, targets, label_smoothing=smoothing)
        if mix is None or len(mix.other) != len(targets):
            return own
        other = functional.cross_entropy(outputs, targets[mix.other], label_smoothing=smoothing)
        return mix.share * own + (1 - mix.share) * other

    return Objective(loss=loss, correct=classification.objective(config, prepared).correct)


def baselines(prepared: Prepared, config: RunConfig) -> dict[str, dict[str, float]]:
    """Majority class; nearest mean and logistic regression on tiny pictures; and logistic regression on the features
    of the untouched pretrained network, where its weights are at hand."""
    found, side = cast(Images, prepared.source["images"]), pictures.BASELINE_SIDE
    learn = images.resize(found.pixels[prepared.train.ids], side)
    last = images.resize(found.test_pixels[prepared.test.ids], side)
    small = [
        Split((torch.from_numpy(np.array(part)),), split.targets, split.ids)
        for part, split in ((learn, prepared.train), (last, prepared.test))
    ]
    shrunk = Prepared(small[0], prepared.validation, small[1], prepared.facts, prepared.preprocessing)
    named = pictures.baselines(shrunk, config)
    try:
        known, asked = food_features.compute_features(
            found, backbone=BACKBONE_OF[config.model], side=prepared.facts["height"]
        )
    except DataMissingError:
        return named
    scores = linear.logistic_regression(
        known[prepared.train.ids, 0],
        prepared.train.targets.numpy(),
        asked[prepared.test.ids, 0],
        classes=prepared.facts["classes"],
    )
    truth = prepared.test.targets.numpy()
    return {**named, "logistic_regression_on_features": classification.compute_metrics(scores, truth)}


def compare(evaluation: Evaluation, config: RunConfig) -> str:
    """What was learnt beyond the features that came with the network."""
    rival = evaluation.baselines.get("logistic_regression_on_features")
    if rival is None:
        return ""
    gain = 100 * (evaluation.metrics["accuracy"] - rival["accuracy"])
    said = f"{abs(gain):.1f} points {'less' if gain > 0 else 'more'}" if gain else "the same"
    return f"Logistic regression on the untouched network's features gets {rival['accuracy']:.1%}, {said}."


def answer(loaded: LoadedModel, payload: bytes) -> dict[str, Any]:
    """Predicted class of a photo and the calibrated probability of every class.

    Raises:
        DataError: the file is not an image that can be read.
    """
    pixels = pictures.read_model_image(payload, loaded.preprocessing)
    logits = inference.forward_batch(
        loaded.module, torch.from_numpy(images.to_model_input(pixels, loaded.preprocessing)[None])
    )
    return classification.classify(loaded, logits)


def _build(backbone: Backbone) -> Callable[[TransferConfig, Mapping[str, int]], nn.Module]:
    return lambda options, facts: TransferNet(options, backbone=backbone, classes=facts["classes"])


_HEAD = {
    "train": "head",
    "epochs": 60,
    "batch_size": 64,
    "optimiser": "adamw",
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
    "optimiser": "adamw",
    "learning_rate": 3e-4,
    "backbone_rate": 0.3,
    "weight_decay": 0.05,
    "schedule": "one_cycle",
    "train_side": 224,
    "zoom": 0.3,
    "jitter": 0.3,
}
"""Of three rates and depths the one with the lowest validation loss: at 1e-3 the first epochs undo what was known."""
_FROZEN = {**_HEAD, "blocks": 12, "norms": "trained", "backbone_rate": 0.1, "zoom": 0.35, "jitter": 0.2}
"""As its reference run was made, though a head alone heeds none of what is added."""
_SCRATCH = {
    **_TUNED,
    "train": "all",
    "blocks": 12,
    "epochs": 40,
    "learning_rate": 2e-3,
    "backbone_rate": 1.0,
    "norms": "trained",
    "side": 128,
    "train_side": 96,
    "zoom": 0.35,
    "jitter": 0.2,
}
_QUICK = {**_HEAD, "epochs": 30, "side": 160}
_QUICK_TUNED = {**_TUNED, "blocks": 5, "epochs": 3, "side": 160, "train_side": 160}


def _entry(title: str, summary: str, backbone: Backbone, config: type[TransferConfig] = TransferConfig) -> ModelEntry:
    return ModelEntry(title=title, summary=summary, build=_build(backbone), config=config)


PROJECT = Project(
    slug="food",
    section="vision",
    title="Food photos",
    summary="Teach a network that knows a million photographs ten dishes from eighty photos each, and upload your own.",
    datasets=("food101_mini", "food11", "food101"),
    models={
        "mobilenet_v2": _entry(
            "MobileNetV2, fine-tuned",
            "Pretrained on ImageNet; the last blocks go on learning, slowly, under a new head (Sandler et al. 2018).",
            "mobilenet_v2",
        ),
        "mobilenet_v2_frozen": _entry(
            "MobileNetV2, frozen",
            "Pretrained and left as it is: a new head on its features, in seconds.",
            "mobilenet_v2",
            FrozenConfig,
        ),
        "mobilenet_v2_scratch": _entry(
            "MobileNetV2, from scratch",
            "The same network with nothing taken over: what the photos alone can teach.",
            "mobilenet_v2",
            ScratchConfig,
        ),
        "mobilenet_v3_large": _entry(
            "MobileNetV3-Large",
            "Found by search for phones, with squeeze-and-excitation (Howard et al. 2019).",
            "mobilenet_v3_large",
        ),
        "efficientnet_b0": _entry(
            "EfficientNet-B0",
            "Depth, width and side in balance (Tan & Le 2019).",
            "efficientnet_b0",
        ),
        "resnet50": _entry("ResNet-50", "Fifty layers with bypasses (He et al. 2016).", "resnet50"),
    },
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
    objective=objective,
    predict=classification.predict,
    epoch_metrics=classification.epoch_metrics,
    evaluate=classification.evaluate,
    baselines=baselines,
    compare=compare,
    answer=answer,
    explain=explain,
    input_kind="image",
    input_limit=images.MAX_BYTES,
    own_data="images",
    needs=needs,
)
