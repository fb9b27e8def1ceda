"""Transfer learning: a backbone pretrained on ImageNet with a new classification head.

Backbones, torchvision's and EfficientNet-Lite, are cut into blocks that can be trained or frozen.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision import models as zoo

from dlcore.core.config import Config, choice, number
from dlcore.models import efficientnet_lite

Backbone = Literal[
    "mobilenet_v2",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "resnet50",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
]
BACKBONES: tuple[Backbone, ...] = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "resnet50")
"""Torchvision's."""
NORMS = (nn.BatchNorm2d,)


class TransferConfig(Config):
    """Which weights are pretrained and which are trained."""

    initialization: Literal["pretrained", "random"] = choice(
        "pretrained", help="Start from ImageNet weights, or from random weights (from scratch)."
    )
    train: Literal["head", "last_blocks", "all"] = choice(
        "all",
        help="Train the head only (its inputs are computed once and cached), also the last blocks, or all blocks.",
    )
    blocks: int = number(
        12, low=1, high=30, unit="blocks", help="Number of blocks that last_blocks trains in addition to the head."
    )
    backbone_rate: float = number(
        0.1, low=1e-4, high=1.0, help="Learning rate of the last block, relative to the head's.", log=True
    )
    layer_decay: float = number(0.9, low=0.1, high=1.0, help="Rate of each block, as a share of the block's after it.")
    norm_layers: Literal["frozen", "trained"] = choice(
        "frozen", help="Batch norm statistics: those of ImageNet, or updated in training."
    )
    warm_head: bool = choice(True, help="Fit the head on the pretrained features first, then continue from there.")
    head_dropout: float = number(0.2, low=0.0, high=0.9, help="Dropout probability before the head.")


class FrozenConfig(TransferConfig):
    """Trains the head only; image features are computed once."""

    warm_head: bool = choice(False, help="Fit the head on the pretrained features first, then continue from there.")

    train: Literal["head", "last_blocks", "all"] = choice(
        "head",
        help="Train the head only (its inputs are computed once and cached), also the last blocks, or all blocks.",
    )


class ScratchConfig(TransferConfig):
    """The same network, trained from scratch."""

    warm_head: bool = choice(False, help="Fit the head on the features first: not from scratch.")

    initialization: Literal["pretrained", "random"] = choice(
        "random", help="Start from ImageNet weights, or from random weights (from scratch)."
    )
    backbone_rate: float = number(
        1.0, low=1e-4, high=1.0, help="Learning rate of the last block, relative to the head's.", log=True
    )
    layer_decay: float = number(1.0, low=0.1, high=1.0, help="Rate of each block, as a share of the block's after it.")
    norm_layers: Literal["frozen", "trained"] = choice(
        "trained", help="Batch norm's running means: frozen at ImageNet's, or updated on the new images."
    )


class TransferNet(nn.Module):
    """(N, 3, H, W) normalized as on ImageNet, or precomputed features (N, F) -> logits (N, K); `width` is F."""

    def __init__(self, options: TransferConfig, *, backbone: Backbone, classes: int) -> None:
        super().__init__()
        self.options, self.backbone = options, backbone
        self.blocks, self.neck, width = _parts(backbone)
        self.width, linear = width, nn.Linear(width, classes)
        nn.init.normal_(linear.weight, std=0.01)
        nn.init.zeros_(linear.bias)
        self.head = nn.Sequential(nn.Dropout(options.head_dropout), linear)
        self.frozen = {"head": len(self.blocks), "last_blocks": max(0, len(self.blocks) - options.blocks), "all": 0}[
            options.train
        ]
        self.to(memory_format=torch.channels_last)  # reduces a CPU step by a third
        self.register_state_dict_post_hook(_make_contiguous)
        self.blocks[: self.frozen].requires_grad_(False)
        if options.train == "head":
            self.neck.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K); inputs that are features go to the head directly."""
        logits: Tensor = self.head(x if x.dim() == 2 else self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, F), the head's input."""
        neck: Tensor = self.neck(self.blocks(x))
        return neck

    def train(self, mode: bool = True) -> "TransferNet":
        """Set training mode; frozen parts and frozen norms stay in evaluation mode."""
        super().train(mode)
        if mode:
            self.blocks[: self.frozen].eval()
            if self.options.train == "head":
                self.neck.eval()
            if self.options.norm_layers == "frozen":
                for part in self.blocks.modules():
                    if isinstance(part, NORMS):
                        part.eval()
        return self

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        """Load weights of this backbone by the names in their file, without its classification head.

        Raises:
            RuntimeError: the weights belong to another network.
        """
        model = _build_backbone(self.backbone)
        if self.backbone in efficientnet_lite.SCALINGS:
            weights = efficientnet_lite.rename_weights(weights, efficientnet_lite.SCALINGS[self.backbone])
        model.load_state_dict(dict(weights))
        blocks, neck, _ = _split_backbone(self.backbone, model)
        self.blocks.load_state_dict(blocks.state_dict())
        self.neck.load_state_dict(neck.state_dict())

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Return (learning rate relative to the head's, parameters) for each group, head first."""
        groups = [(1.0, list(self.head.parameters()))]
        share = self.options.backbone_rate
        for part in (self.neck, *reversed(self.blocks)):
            trainable = [parameter for parameter in part.parameters() if parameter.requires_grad]
            if trainable:
                groups.append((share, trainable))
                share *= self.options.layer_decay
        return groups


def _make_contiguous(module: nn.Module, state: dict[str, Tensor], prefix: str, about: dict[str, object]) -> None:
    """Make the module's weights contiguous when it writes its state dict."""
    for name, value in state.items():
        state[name] = value.contiguous()


def _parts(backbone: Backbone) -> tuple[nn.Sequential, nn.Sequential, int]:
    return _split_backbone(backbone, _build_backbone(backbone))


def _build_backbone(backbone: Backbone) -> nn.Module:
    if backbone in efficientnet_lite.SCALINGS:
        return efficientnet_lite.EfficientNetLite(efficientnet_lite.SCALINGS[backbone])
    model: nn.Module = getattr(zoo, backbone)(weights=None)
    return model


def _split_backbone(backbone: Backbone, model: nn.Module) -> tuple[nn.Sequential, nn.Sequential, int]:
    """Return the blocks in forward order, the pooling after them, and the width of the pooled vector."""
    pool: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if isinstance(model, zoo.ResNet):
        stem = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool)
        stages = (model.layer1, model.layer2, model.layer3, model.layer4)
        blocks = nn.Sequential(stem, *(block for stage in stages for block in stage))
        return blocks, nn.Sequential(*pool), model.fc.in_features
    assert isinstance(model, zoo.MobileNetV2 | zoo.MobileNetV3 | zoo.EfficientNet | efficientnet_lite.EfficientNetLite)
    blocks = nn.Sequential(*model.features)
    if isinstance(model, zoo.EfficientNet):
        parts = [list(part) if type(part) is nn.Sequential else [part] for part in model.features]
        blocks = nn.Sequential(*(block for part in parts for block in part))
    if isinstance(model, zoo.MobileNetV3):
        pool += [model.classifier[0], model.classifier[1]]
    linear = model.classifier[-1]
    assert isinstance(linear, nn.Linear)
    return blocks, nn.Sequential(*pool), linear.in_features
